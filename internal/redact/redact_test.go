package redact_test

import (
	"testing"

	"github.com/scrapersky/contactsync/internal/redact"
)

func TestRedact(t *testing.T) {
	t.Parallel()
	for email, want := range map[string]string{
		"jane.doe@example.org": "j***@example.org", "é@example.org": "é***@example.org",
		"jane": "j***", "@example.org": "***@example.org", "": "",
		`"Jane Doe" <jane.doe@example.org>`: "***@example.org", "Jane Doe <jane@example.org>": "***@example.org",
		`"jane doe"@example.org`: "***@example.org", "jane@doe@example.org": "j***@example.org", "jane@ doe": "j***",
	} {
		if got := redact.Email(email); got != want {
			t.Errorf("%q: %q, want %q", email, got, want)
		}
	}
	for text, want := range map[string]string{
		"no address here, at 12:30":                       "no address here, at 12:30",
		"<a.b@example.org>, c+d@example.com.":             "<a***@example.org>, c***@example.com.",
		"email=jane@example.org":                          "email=j***@example.org",
		`{"email":"jane@example.org"}`:                    `{"email":"j***@example.org"}`,
		"Łukasz@example.org\njosé@example.com":            "Ł***@example.org\nj***@example.com",
		"/contacts/jane%40example.org?idProperty=email":   "/contacts/j***%40example.org?idProperty=email",
		"connect to postgres://app:pw@db.example.org/db":  "connect to postgres://app:p***@db.example.org/db",
		`address "Jane Doe" <jane@example.org> is bad`:    "address *** <j***@example.org> is bad",
		"refused: Jane van Doe <jane@example.org> is bad": "refused: *** <j***@example.org> is bad",
		`{"id":"\"Jane Doe\" <jane@example.org>"}`:        `{"id":"\*** <j***@example.org>"}`,
		`"jane doe"@example.org is bad`:                   "***@example.org is bad",

		"settle: ERROR: hands off\njane (SQLSTATE P0001)":          "settle: ERROR: *** (SQLSTATE P0001)",
		`ERROR: invalid input: "jane" (SQLSTATE 22P02); try again`: "ERROR: *** (SQLSTATE 22P02); try again",
		"ERROR: could not extend file (SQLSTATE 53100)":            "ERROR: could not extend file (SQLSTATE 53100)",
	} {
		if got := redact.Text(text); got != want {
			t.Errorf("%q\ngot  %q\nwant %q", text, got, want)
		}
	}
	// A short one is not looked for within other words.
	if got := redact.Text("the owner of an order", "an", "own", "order"); got != "the owner of an o***" {
		t.Error(got)
	}
}
