package hubspot

import (
	"net/http"
	"strings"
)

// CallName names what a request asks for, one name of a few, for who counts or
// traces requests: the paths themselves hold ids, and may hold addresses.
func CallName(r *http.Request) string {
	path := r.URL.Path
	switch {
	case strings.HasSuffix(path, "/batch/upsert"):
		return "upsert"
	case strings.HasSuffix(path, "/batch/read"):
		return "read"
	case strings.Contains(path, "/account-info/"):
		return "account"
	case strings.Contains(path, "/properties/"):
		return "property"
	case r.Method == http.MethodPatch:
		return "update"
	}
	return "other"
}
