package main

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// anEmail is what looks like an email address, also in a URL that spells the @
// as %40, with a quoted part before the @, and with the person's name before it
// as mail programs write it: "Jane Doe" <jane@example.org>. It would rather find
// one too many: three words before a < count as a name.
var anEmail = regexp.MustCompile(
	`(?P<name>(?:"[^"]*"|(?:[^\s"'<>()\[\],;:=]+[ \t]+){0,2}[^\s"'<>()\[\],;:=]+)[ \t]*<)?` +
		`(?P<local>"[^"]*"|[^\s"'<>()\[\],;:\\@/=?&]+?)(?P<at>@|%40)(?P<domain>[^\s"'<>()\[\],;:\\@/=?&]+)`)

// aboutARow is what the database says about a row, to its SQLSTATE: of class P0
// in the words of an app's own trigger, of 22 and 23 with the values that it
// refuses. Those may be anything of any contact, so that no search would find it.
var aboutARow = regexp.MustCompile(`(?s)\bERROR: .*?( \(SQLSTATE (?:P0|22|23)\w{3}\))`)

// redact shortens an email address to its first letter and its domain.
func redact(email string) string {
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

// initial is the first letter of a local part, none where that is a name with an
// address behind it, or shortened already.
func initial(local string) string {
	first, size := utf8.DecodeRuneInString(local)
	if !isLetter(first) || strings.ContainsAny(local, `<"`) {
		return ""
	}
	return local[:size]
}

// redactText shortens every email address in a text, and those that are known to
// belong to it however they look.
func redactText(text string, known ...string) string {
	for _, email := range known {
		text = redactKnown(text, email)
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

// redactKnown shortens one address in a text, in upper and lower case, and its
// local part where that stands alone.
func redactKnown(text, email string) string {
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
		out.WriteString(redact(text[at[0]:at[1]]))
		rest = at[1]
	}
	out.WriteString(text[rest:])
	return out.String()
}

func isLetter(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// redacting is a slog.Handler that shortens email addresses in all that is
// logged: the attribute email whatever it holds, in the rest of its line what it
// holds, and everywhere what looks like an address. HubSpot's words repeat an
// address that is none as it is, so that looking for an @ is not enough.
type redacting struct {
	next  slog.Handler
	known []string // the emails of the lines to come
}

func (h redacting) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h redacting) WithGroup(name string) slog.Handler {
	return redacting{h.next.WithGroup(name), h.known}
}

func (h redacting) WithAttrs(attrs []slog.Attr) slog.Handler {
	known := append(slices.Clone(h.known), emailsIn(attrs)...)
	return redacting{h.next.WithAttrs(redactAttrs(attrs, known)), known}
}

func (h redacting) Handle(ctx context.Context, line slog.Record) error {
	attrs := make([]slog.Attr, 0, line.NumAttrs())
	line.Attrs(func(attr slog.Attr) bool {
		attrs = append(attrs, attr)
		return true
	})
	known := append(slices.Clone(h.known), emailsIn(attrs)...)
	short := slog.NewRecord(line.Time, line.Level, redactText(line.Message, known...), line.PC)
	short.AddAttrs(redactAttrs(attrs, known)...)
	if err := h.next.Handle(ctx, short); err != nil {
		return fmt.Errorf("log: %w", err)
	}
	return nil
}

// emailKey is the attribute that holds an email, whatever it looks like.
const emailKey = "email"

func emailsIn(attrs []slog.Attr) (emails []string) {
	for _, attr := range attrs {
		switch value := attr.Value.Resolve(); {
		case value.Kind() == slog.KindGroup:
			emails = append(emails, emailsIn(value.Group())...)
		case attr.Key == emailKey:
			emails = append(emails, value.String())
		}
	}
	return emails
}

func redactAttrs(attrs []slog.Attr, known []string) []slog.Attr {
	short := make([]slog.Attr, len(attrs))
	for i, attr := range attrs {
		short[i] = redactAttr(attr, known)
	}
	return short
}

func redactAttr(attr slog.Attr, known []string) slog.Attr {
	value := attr.Value.Resolve()
	text := ""
	switch value.Kind() {
	case slog.KindGroup:
		return slog.Attr{Key: attr.Key, Value: slog.GroupValue(redactAttrs(value.Group(), known)...)}
	case slog.KindString:
		text = value.String()
	case slog.KindAny:
		text = fmt.Sprint(value.Any())
	default:
		return attr
	}
	short := ""
	if attr.Key == emailKey {
		short = redact(text)
	} else {
		short = redactText(text, known...)
	}
	if short == text {
		return attr // an error stays an error
	}
	return slog.String(attr.Key, short)
}
