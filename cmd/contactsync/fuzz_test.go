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
			n := parseNames(page)
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
		if got := strings.ToLower(redactText(said, email)); strings.Contains(got, local) {
			t.Errorf("%q leaves %q", email, got)
		}
	})
}
