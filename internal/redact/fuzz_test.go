package redact

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzRedact looks for what an email leaves in a text that repeats it, as it is
// and as HubSpot folds it.
func FuzzRedact(f *testing.F) {
	for _, email := range []string{
		"jane.doe@example.org", "jane", `"Jane Doe" <jane.doe@example.org>`, `"jane doe"@example.org`, "Jane Doe", "jane@doe@example.org",
		"İlker@example.org", "jane%40example.org", "jane\\@example.org", "JANE\u00A0DOE@example.org", "ﬃx@example.org",
	} {
		f.Add(email)
	}
	f.Fuzz(func(t *testing.T, email string) {
		key := strings.ToLower(strings.TrimSpace(email))
		local, domain := key, ""
		if at := strings.LastIndexByte(key, '@'); at > 0 {
			local, domain = key[:at], key[at:]
		}
		first, _ := utf8.DecodeRuneInString(local)
		last, _ := utf8.DecodeLastRuneInString(local)
		if len(local) < 2*shortest || !isLetter(first) || !isLetter(last) || !utf8.ValidString(email) || strings.Contains(domain, local) {
			return // nothing that could be told from what is around it
		}
		said := "51: " + email + " 52: <" + key + ">, 53: \"" + local + "\""
		if got := strings.ToLower(Text(said, email)); strings.Contains(got, local) {
			t.Errorf("%q leaves %q", email, got)
		}
	})
}
