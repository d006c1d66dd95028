// Package printable makes foreign text safe to show: what a row, a destination, the
// database, a file or a command line says may hold orders to a terminal, line ends
// that forge a line of the log, or characters that turn the text around. They become
// visible, and nothing is left out: an address that somebody wrote with a trick in it
// has to be told from the one without.
package printable

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Text returns text with everything in it that is not to be seen written out, as Go
// writes it: \x1b, \n, \u202e. These are control characters, line and paragraph
// separators, formatting characters (the turning and the zero-width ones), whatever
// else takes no room, and bytes that are no UTF-8. Letters, marks, blanks of all
// widths, symbols and the backslash stay as they are.
func Text(text string) string {
	at := strings.IndexFunc(text, hidden)
	if at < 0 && utf8.ValidString(text) {
		return text
	}
	var out strings.Builder
	for i, r := range text {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], string(utf8.RuneError)):
			fmt.Fprintf(&out, `\x%02x`, text[i])
		case hidden(r):
			out.WriteString(escaped(r))
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

// Layout is Text for a text that has our own ends of lines and tabs in it, which stay.
func Layout(text string) string {
	var out strings.Builder
	for text != "" {
		at := strings.IndexAny(text, "\n\t")
		if at < 0 {
			break
		}
		out.WriteString(Text(text[:at]))
		out.WriteByte(text[at])
		text = text[at+1:]
	}
	out.WriteString(Text(text))
	return out.String()
}

// Clip returns printable text that is at most so many characters long, with … in the
// place of the rest. A letter is not parted from its marks.
func Clip(text string, most int) string {
	runes := []rune(Text(text))
	if len(runes) <= most {
		return string(runes)
	}
	end := most - 1
	for end > 0 && unicode.Is(unicode.M, runes[end]) {
		end--
	}
	return string(runes[:end]) + "…"
}

// hidden reports whether nobody sees this character, or only what it does to others.
func hidden(r rune) bool {
	return !unicode.IsGraphic(r) || // control, format, line and paragraph separator, private, unassigned
		unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) || unicode.Is(unicode.Variation_Selector, r) ||
		r == brailleBlank
}

const brailleBlank = '\u2800'

func escaped(r rune) string {
	switch r {
	case '\n':
		return `\n`
	case '\r':
		return `\r`
	case '\t':
		return `\t`
	}
	switch {
	case r < utf8.RuneSelf:
		return fmt.Sprintf(`\x%02x`, r)
	case r <= 0xffff:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}

// JSON returns a writer for JSON, which passes it on with the hidden characters of its
// strings as JSON's own escapes: who parses it reads the same. Encoders escape the
// first 32 control characters alone. Each write has to hold whole characters.
func JSON(out io.Writer) io.Writer { return jsonWriter{out} }

type jsonWriter struct{ out io.Writer }

// Write implements [io.Writer].
func (w jsonWriter) Write(text []byte) (int, error) {
	// Outside of strings JSON has no such character but the ends of lines and tabs.
	unseen := func(r rune) bool { return r >= del && hidden(r) }
	if strings.IndexFunc(string(text), unseen) < 0 {
		return w.out.Write(text)
	}
	var out []byte
	for _, r := range string(text) {
		switch {
		case !unseen(r):
			out = utf8.AppendRune(out, r)
		case r <= 0xffff:
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		}
	}
	if _, err := w.out.Write(out); err != nil {
		return 0, err
	}
	return len(text), nil
}

// del is the one control character of ASCII that encoders of JSON leave as it is.
const del = 0x7f
