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
}
