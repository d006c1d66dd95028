package queue

import "strings"

// printable makes foreign text storable: Postgres refuses a NUL byte and
// invalid UTF-8 in a text value, and one such message would cost the whole
// cycle its settle.
func printable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
