package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

var canonicalUUID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// FuzzNames reads any file for `queue --file`: every line that is no comment
// becomes one name that Postgres takes, in the order of the lines, on pages that
// are not too long; or the whole is refused with the number of the line.
func FuzzNames(f *testing.F) {
	f.Add("\uFEFFa@example.org\r\n\n# a comment\n00000000-0000-0000-0000-000000000004\n")
	f.Add("00000000000000000000000000000004\n{00000000-0000-0000-0000-000000000004}\n")
	f.Add("İ@EXAMPLE.ORG\n\xff\xfe\n")
	f.Add("a\x00b\n")
	f.Add(strings.Repeat("x", maxNameBytes+1))
	f.Add(strings.Repeat("a@example.org\n", queuePage+1))
	f.Fuzz(func(t *testing.T, text string) {
		var lines []string
		err := eachPage(strings.NewReader(text), func(page []string) error {
			if len(page) == 0 || len(page) > queuePage {
				t.Errorf("a page of %d", len(page))
			}
			lines = append(lines, page...)
			n := parseNames(page, "uuid")
			if len(n.ids)+len(n.emails) != len(page) {
				t.Errorf("%d ids and %d emails of %d lines", len(n.ids), len(n.emails), len(page))
			}
			for _, id := range n.ids {
				if !canonicalUUID.MatchString(id) {
					t.Errorf("id %q", id)
				}
			}
			for _, name := range slices.Concat(n.ids, n.emails) {
				if name == "" || strings.TrimSpace(name) != name || !utf8.ValidString(name) || strings.ContainsAny(name, "\x00\n") {
					t.Errorf("name %q", name)
				}
			}
			return nil
		})
		if err != nil {
			if !strings.Contains(err.Error(), "line") {
				t.Error(err)
			}
			return
		}
		var want []string
		for line := range strings.SplitSeq(text, "\n") {
			line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSuffix(line, "\r"), "\uFEFF"))
			if line != "" && !strings.HasPrefix(line, "#") {
				want = append(want, line)
			}
		}
		if !slices.Equal(lines, want) {
			t.Errorf("read %q\nwant %q", lines, want)
		}
	})
}
