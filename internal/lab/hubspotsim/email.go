package hubspotsim

import "strings"

// validEmail says whether an address has the syntax HubSpot takes: plain ASCII,
// one @, a local part of at most 64 bytes, a domain with a dot, 254 bytes at
// most. Blanks around it are not forgiven.
func validEmail(email string) bool {
	local, domain, ok := strings.Cut(email, "@")
	return ok && len(email) <= 254 && validLocal(local) && validDomain(domain)
}

func validLocal(local string) bool {
	if local == "" || len(local) > 64 || local[0] == '.' || local[len(local)-1] == '.' || strings.Contains(local, "..") {
		return false
	}
	for i := range len(local) {
		if !alphanumeric(local[i]) && !strings.ContainsRune(".!#$%&'*+/=?^_`{|}~-", rune(local[i])) {
			return false
		}
	}
	return true
}

func validDomain(domain string) bool {
	labels := strings.Split(domain, ".")
	if len(labels) < 2 {
		return false
	}
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if !alphanumeric(label[i]) && label[i] != '-' {
				return false
			}
		}
	}
	top := labels[len(labels)-1]
	return len(top) >= 2 && strings.ContainsFunc(top, func(r rune) bool { return r < '0' || r > '9' })
}

func alphanumeric(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9'
}
