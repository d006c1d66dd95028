package printable_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/lmittmann/tint"

	"github.com/scrapersky/contactsync/internal/printable"
)

// hostile are texts that mean harm, and how they are shown.
var hostile = map[string]string{
	"\x1b[2J\x1b]0;title\x07":                `\x1b[2J\x1b]0;title\x07`,
	"\u009b2J \u009d0;title\u009c":           `\u009b2J \u009d0;title\u009c`,
	"ada@example.org\r\nERR forged line":     `ada@example.org\r\nERR forged line`,
	"a\tb\x00c\x7f\b\b":                      `a\tb\x00c\x7f\x08\x08`,
	"gro.elpmaxe@\u202eada":                  `gro.elpmaxe@\u202eada`,
	"\u2066left\u2069 \u200e\u061c":          `\u2066left\u2069 \u200e\u061c`,
	"a\u200bd\u200da\u2060@\ufeffx":          `a\u200bd\u200da\u2060@\ufeffx`,
	"line\u2028paragraph\u2029end\u0085":     `line\u2028paragraph\u2029end\u0085`,
	"soft\u00adhyphen \u034f\u180e":          `soft\u00adhyphen \u034f\u180e`,
	"filler\u3164\uffa0\u115f blank\u2800":   `filler\u3164\uffa0\u115f blank\u2800`,
	"tag\U000e0041 selector\ufe0f\U000e0100": `tag\U000e0041 selector\ufe0f\U000e0100`,
	"private\ue000 none\U0010ffff":           `private\ue000 none\U0010ffff`,
	"no\xffUTF-8\xc3":                        `no\xffUTF-8\xc3`,
	"a real \ufffd and \xff":                 "a real \ufffd and " + `\xff`,
}

// harmless are texts that stay as they are.
var harmless = []string{
	"", "ada@example.org", "Zoë Łukasz İlker", "山田　太郎", "עברית", "العربية", "a\u00a0b", "e\u0301", `\x1b spelled out`, "😀 ± → ✓", "\ufffd",
}

func TestText(t *testing.T) {
	t.Parallel()
	for text, want := range hostile {
		if got := printable.Text(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	for _, text := range harmless {
		if got := printable.Text(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
	if got := printable.Layout("\tone\r\ntwo\x1b\n"); got != "\tone\\r\ntwo\\x1b\n" {
		t.Errorf("layout: %q", got)
	}
}

func TestClip(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"short": "short", "12345678": "12345678", "123456789": "1234567…",
		"\x1b[2Jabc": `\x1b[2J…`, "abcdefe\u0301ghi": "abcdef…",
	} {
		if got := printable.Clip(text, 8); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// FuzzText looks for a text that is shown with something hidden in it, that loses a
// character, or that changes when it is shown twice.
func FuzzText(f *testing.F) {
	for text := range hostile {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := printable.Text(text)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsGraphic(r) }) {
			t.Errorf("%q is shown as %q", text, got)
		}
		if again := printable.Text(got); again != got {
			t.Errorf("%q is shown as %q, and that as %q", text, got, again)
		}
		if utf8.RuneCountInString(got) < utf8.RuneCountInString(text) {
			t.Errorf("%q lost something: %q", text, got)
		}
		var out bytes.Buffer
		if err := json.NewEncoder(printable.JSON(&out)).Encode(text); err != nil {
			t.Fatal(err)
		}
		var back string
		if err := json.Unmarshal(out.Bytes(), &back); err != nil || back != strings.ToValidUTF8(text, "\ufffd") && utf8.ValidString(text) {
			t.Errorf("%q came back from JSON as %q (%v)", text, back, err)
		}
		if line := strings.TrimSuffix(out.String(), "\n"); printable.Text(line) != line {
			t.Errorf("JSON hides something: %q", line)
		}
	})
}

// The log shows what is hidden, in colour and without, in every kind of attribute.
func TestHandler(t *testing.T) {
	t.Parallel()
	for _, colorless := range []bool{true, false} {
		for text := range hostile {
			for _, text := range []string{text, text + " and words", `spelled \x1b[2J out`, `\x1b[2J`} {
				var out bytes.Buffer
				log := slog.New(printable.Handler(tint.NewTextHandler(&out, &tint.Options{NoColor: colorless})))
				log.With("early", text).WithGroup("group").Info("said "+text, //nolint:sloglint // the message is what is tried
					"email", text, "error", errors.New(text), "list", []string{text}, slog.Group("inner", "name", text), "stringer", lazy(text))
				line := strings.TrimSuffix(out.String(), "\n")
				for _, color := range []string{"\x1b[0m", "\x1b[2m", "\x1b[22m", "\x1b[92m", "\x1b[91m", "\x1b[22;2m"} {
					line = strings.ReplaceAll(line, color, "")
				}
				if printable.Text(line) != line {
					t.Errorf("colorless %v: the log of %q hides something: %q", colorless, text, line)
				}
			}
		}
	}
	var out bytes.Buffer
	log := slog.New(printable.Handler(tint.NewTextHandler(&out, &tint.Options{NoColor: true})))
	log.Info("said", "email", "\x1b[2Jada@example.org\u202e", "error", errors.New("plain"), "n", 1)
	if want := `email="\x1b[2Jada@example.org\u202e" error=plain n=1`; !strings.Contains(out.String(), want) {
		t.Errorf("logged %q, want %s in it", out.String(), want)
	}
}

type lazy string

// LogValue implements [slog.LogValuer].
func (l lazy) LogValue() slog.Value { return slog.StringValue(string(l)) }

type problems []string

func (p problems) Error() string   { return strings.Join(p, "\n") }
func (p problems) Lines() []string { return p }

// An error keeps the ends of lines that are ours, and no other.
func TestError(t *testing.T) {
	t.Parallel()
	foreign := errors.New("no\nforged \x1b[2J")
	for want, err := range map[string]error{
		`no\nforged \x1b[2J`:                                   foreign,
		`read: no\nforged \x1b[2J (again)`:                     fmt.Errorf("read: %w (again)", foreign),
		"one\n" + `no\nforged \x1b[2J`:                         errors.Join(errors.New("one"), foreign),
		"x\\u202e: one\n" + `a: no\nforged \x1b[2J` + " (end)": fmt.Errorf("x\u202e: %w (end)", errors.Join(errors.New("one"), fmt.Errorf("a: %w", foreign))),
		"settings: a\n  b\\r":                                  fmt.Errorf("settings: %w", problems{"a", "  b\r"}),
		`two: no\nforged \x1b[2J and one`:                      fmt.Errorf("two: %w and %w", foreign, errors.New("one")),
	} {
		if got := printable.Error(err); got != want {
			t.Errorf("%q\ngot  %q\nwant %q", err.Error(), got, want)
		}
	}
}
