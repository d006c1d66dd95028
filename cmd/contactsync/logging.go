package main

import (
	"io"
	"log/slog"

	"github.com/lmittmann/tint"

	"github.com/scrapersky/contactsync/internal/config"
)

// logTime has milliseconds, because milliseconds are what this program is about.
const logTime = "2006-01-02T15:04:05.000Z07:00"

// newLogger logs as the settings say: for people, with colours where out is a
// terminal and NO_COLOR is not set, or as JSON.
func newLogger(out io.Writer, cfg config.Log) *slog.Logger {
	var replace func([]string, slog.Attr) slog.Attr
	if cfg.RedactEmails {
		replace = redactEmails
	}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: cfg.Level, ReplaceAttr: replace}))
	}
	return slog.New(tint.NewTextHandler(out, &tint.Options{
		Level: cfg.Level, ReplaceAttr: replace, TimeFormat: logTime, NoColor: !colorful(out),
	}))
}
