package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/config"
)

func TestLoggerFormats(t *testing.T) {
	t.Parallel()
	var text, machine bytes.Buffer
	newLogger(&text, config.Log{Format: "text", Level: slog.LevelWarn}).WarnContext(t.Context(), "hello", "contact_id", 7)
	newLogger(&machine, config.Log{Format: "json", Level: slog.LevelWarn}).WarnContext(t.Context(), "hello", "contact_id", 7)
	if got := text.String(); !strings.Contains(got, "WRN hello contact_id=7\n") || strings.Contains(got, "\x1b") {
		t.Errorf("text: %q, want it without colours", got)
	}
	var record map[string]any
	if err := json.Unmarshal(machine.Bytes(), &record); err != nil || record["msg"] != "hello" || record["contact_id"] != 7.0 {
		t.Errorf("json: %s, %v", machine.String(), err)
	}
	text.Reset()
	newLogger(&text, config.Log{Format: "text", Level: slog.LevelWarn}).InfoContext(t.Context(), "too much")
	if text.Len() > 0 {
		t.Errorf("below the level: %s", text.String())
	}
}

func TestColorful(t *testing.T) {
	t.Parallel()
	file, err := os.Create(t.TempDir() + "/log")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if colorful(file) || colorful(new(bytes.Buffer)) {
		t.Error("colours, and no terminal")
	}
}

func TestLoggerRedactsEmails(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"text", "json"} {
		var out bytes.Buffer
		log := newLogger(&out, config.Log{Format: format, RedactEmails: true}).With("email", "jane.doe@example.org")
		log.InfoContext(t.Context(), "met jane.doe@example.org",
			"error", errors.New(`GET https://api.hubapi.com/jane.doe%40example.org?x=1: "jane.doe@example.org" is taken`),
			"list", []string{"jane.doe@example.org"}, "attempt", 3,
			slog.Group("contact", "email", "jane.doe"))
		got := out.String()
		if strings.Contains(got, "jane") || strings.Count(got, "j***@example.org") != 4 || !strings.Contains(got, "j***%40example.org?x=1") {
			t.Errorf("%s: %s", format, got)
		}
		if !strings.Contains(got, "attempt") || !strings.Contains(got, "INF") {
			t.Errorf("%s: too much is gone: %s", format, got)
		}

		out.Reset()
		newLogger(&out, config.Log{Format: format}).InfoContext(t.Context(), "met", "email", "jane.doe@example.org")
		if !strings.Contains(out.String(), "jane.doe@example.org") {
			t.Errorf("%s: redacted, though nobody asked: %s", format, out.String())
		}
	}
}

// What is no address is one all the same when it stands in the column for it.
func TestRedactsWhatTheLineIsAbout(t *testing.T) {
	t.Parallel()
	for email, said := range map[string]string{
		"Jane Doe":              "Email address jane doe is invalid",
		"jane.doe":              `"JANE.DOE" has no domain`,
		"Jane.Doe@example.org ": "the contact jane.doe exists, see https://example.org/jane.doe",
		"jane":                  "no domain in jane",
		`"Jane Doe"@ex ample`:   `not an address: "jane doe"@ex ample`,
	} {
		var out bytes.Buffer
		newLogger(&out, config.Log{Format: "json", RedactEmails: true}).
			WarnContext(t.Context(), "HubSpot sync failed", "email", email, "error", errors.New(said), slog.Group("more", "text", said))
		if got := strings.ToLower(out.String()); strings.Contains(got, "jane") || strings.Contains(got, "doe") {
			t.Errorf("%q: %s", email, got)
		}
		if got := out.String(); strings.Contains(said, "invalid") && !strings.Contains(got, "is invalid") {
			t.Errorf("%q: too much is gone: %s", email, got)
		}
	}
	// A short one is not looked for within other words.
	if got := redactText("the owner of an order", "an", "own", "order"); got != "the owner of an o***" {
		t.Error(got)
	}
}

func TestRedact(t *testing.T) {
	t.Parallel()
	for email, want := range map[string]string{
		"jane.doe@example.org": "j***@example.org", "é@example.org": "é***@example.org",
		"jane": "j***", "@example.org": "***@example.org", "": "",
		`"Jane Doe" <jane.doe@example.org>`: "***@example.org", "Jane Doe <jane@example.org>": "***@example.org",
		`"jane doe"@example.org`: "***@example.org", "jane@doe@example.org": "j***@example.org", "jane@ doe": "j***",
	} {
		if got := redact(email); got != want {
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
		if got := redactText(text); got != want {
			t.Errorf("%q\ngot  %q\nwant %q", text, got, want)
		}
	}
}
