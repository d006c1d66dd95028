package ops_test

import (
	"testing"

	"github.com/scrapersky/contactsync/internal/ops"
)

func TestIDs(t *testing.T) {
	t.Parallel()
	const id = "7d444840-9dc0-11d1-b245-5ffdce74fad2"
	for _, test := range []struct {
		as               ops.IDType
		text, want, note string // want: empty for no id
	}{
		{"uuid", id, id, "as it is"},
		{"uuid", "7D4448409DC011D1B2455FFDCE74FAD2", id, "as people paste it"},
		{"uuid", "ada@example.org", "", ""},
		{"uuid", "7", "", ""},
		{"bigint", "7", "7", ""},
		{"bigint", "-0012", "-12", "as the database writes it"},
		{"bigint", "9223372036854775807", "9223372036854775807", ""},
		{"bigint", "9223372036854775808", "", "out of range"},
		{"integer", "2147483648", "", "out of range"},
		{"smallint", "32767", "32767", ""},
		{"bigint", id, "", ""},
		{"bigint", "7.5", "", ""},
		{"text", "any-thing", "any-thing", ""},
		{"text", "", "", ""},
		{"text", "a\x00b", "", "which no text in a database has"},
	} {
		if got, ok := test.as.Parse(test.text); got != test.want && ok || ok != (test.want != "") {
			t.Errorf("%q as %s is %q, %v, want %q (%s)", test.text, test.as, got, ok, test.want, test.note)
		}
	}
}
