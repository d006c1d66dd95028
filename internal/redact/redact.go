// Package redact hides email addresses: in the log, on pages and on the terminal.
// It exists because the addresses come from everywhere, from messages of destinations
// and of the database as well as from the columns for them, and one place that knows
// all their forms is one place to get right.
package redact

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// anEmail matches what looks like an email address, also in a URL that spells the @
// as %40, with a quoted part before the @, and with the person's name before it
// as mail programs write it: "Jane Doe" <jane@example.org>. It prefers to match
// too much: three words before a < count as a name.
var anEmail = regexp.MustCompile(
	`(?P<name>(?:"[^"]*"|(?:[^\s"'<>()\[\],;:=]+[ \t]+){0,2}[^\s"'<>()\[\],;:=]+)[ \t]*<)?` +
		`(?P<local>"[^"]*"|[^\s"'<>()\[\],;:\\@/=?&]+?)(?P<at>@|%40)(?P<domain>[^\s"'<>()\[\],;:\\@/=?&]+)`)

// aboutARow matches the database's message about a row, up to its SQLSTATE. Class P0
// is the message of an app's own trigger; 22 and 23 quote the refused values. Those
// may be anything of any contact, so no search for an address would find them.
var aboutARow = regexp.MustCompile(`(?s)\bERROR: .*?( \(SQLSTATE (?:P0|22|23)\w{3}\))`)

// Email shortens an email address to its first letter and its domain.
func Email(email string) string {
	at := strings.LastIndexByte(email, '@')
	local, domain := email, ""
	if at >= 0 {
		local, domain = email[:at], email[at:]
	}
	if strings.ContainsFunc(domain, unicode.IsSpace) { // an @ within something else
		domain = ""
	}
	if email == "" {
		return ""
	}
	return initial(local) + "***" + strings.TrimSuffix(domain, ">")
}

// initial returns the first letter of a local part; nothing where that is a name with
// an address behind it, or is shortened already.
func initial(local string) string {
	first, size := utf8.DecodeRuneInString(local)
	if !isLetter(first) || strings.ContainsAny(local, `<"`) {
		return ""
	}
	return local[:size]
}

// Text shortens every email address in a text, and the known ones in whatever form.
func Text(text string, known ...string) string {
	for _, email := range known {
		text = hideKnown(text, email)
	}
	text = aboutARow.ReplaceAllString(text, "ERROR: ***$1")
	return anEmail.ReplaceAllStringFunc(text, func(found string) string {
		part := anEmail.FindStringSubmatch(found)
		name := ""
		if part[1] != "" {
			name = "*** <"
		}
		return name + initial(part[2]) + "***" + part[3] + part[4]
	})
}

// shortest is how long a local part, or an address that is none, must be to be
// looked for in a text: shorter ones are found in every word.
const shortest = 3

// hideKnown shortens one address in a text, in upper and lower case, and its
// local part where that stands alone.
func hideKnown(text, email string) string {
	email = strings.TrimSpace(email)
	text = replaceWord(text, email)
	if at := strings.LastIndexByte(email, '@'); at > 0 {
		text = replaceWord(text, email[:at])
	}
	return text
}

// replaceWord shortens what is written like word, unless it is part of another.
func replaceWord(text, word string) string {
	if len(word) < shortest || !strings.Contains(strings.ToLower(text), strings.ToLower(word)) {
		return text
	}
	var out strings.Builder
	rest := 0
	for _, at := range regexp.MustCompile("(?i)"+regexp.QuoteMeta(word)).FindAllStringIndex(text, -1) {
		before, _ := utf8.DecodeLastRuneInString(text[:at[0]])
		after, _ := utf8.DecodeRuneInString(text[at[1]:])
		if isLetter(before) || isLetter(after) {
			continue
		}
		out.WriteString(text[rest:at[0]])
		out.WriteString(Email(text[at[0]:at[1]]))
		rest = at[1]
	}
	out.WriteString(text[rest:])
	return out.String()
}

func isLetter(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
