package main

import (
	"io"
	"log/slog"

	"github.com/lmittmann/tint"

	"github.com/scrapersky/contactsync/internal/config"
	"github.com/scrapersky/contactsync/internal/printable"
	"github.com/scrapersky/contactsync/internal/redact"
)

// logTime has milliseconds, because milliseconds are what this program is about.
const logTime = "2006-01-02T15:04:05.000Z07:00"

// newLogger logs as the settings say: for people, with colours where out is a
// terminal and NO_COLOR is not set, or as JSON.
func newLogger(out io.Writer, cfg config.Log) *slog.Logger {
	var handler slog.Handler
	if cfg.Format == "json" {
		handler = slog.NewJSONHandler(printable.JSON(out), &slog.HandlerOptions{Level: cfg.Level})
	} else {
		handler = printable.Handler(tint.NewTextHandler(out, &tint.Options{Level: cfg.Level, TimeFormat: logTime, NoColor: !colorful(out)}))
	}
	if cfg.RedactEmails {
		handler = redact.Handler(handler)
	}
	return slog.New(handler)
}
