package main

import (
	"context"
	"io"
	"log/slog"
	"runtime/debug"
	"strings"
	_ "time/tzdata" // as in the program

	"github.com/sethvargo/go-envconfig"

	"github.com/scrapersky/contactsync/internal/app"
	"github.com/scrapersky/contactsync/internal/config"
	"github.com/scrapersky/contactsync/internal/redact"
)

// replicaWithin runs a replica in this process, as `contactsync run` does, but that
// no .env is read and the log is JSON.
func replicaWithin(ctx context.Context, env []string, log io.Writer) error {
	settings := map[string]string{}
	for _, setting := range env {
		name, value, _ := strings.Cut(setting, "=")
		settings[name] = value
	}
	cfg, err := config.Load(ctx, envconfig.MapLookuper(settings))
	if err != nil {
		return err
	}
	var handler slog.Handler = slog.NewJSONHandler(log, &slog.HandlerOptions{Level: cfg.Log.Level})
	if cfg.Log.RedactEmails {
		handler = redact.Handler(handler)
	}
	a, err := app.Build(ctx, cfg, app.Options{
		Version: ownVersion(), Env: func(string) (string, bool) { return "", false }, Log: slog.New(handler),
	})
	if err != nil {
		return err
	}
	defer a.Close(ctx)
	return a.Run(ctx, nil) // until ctx ends
}

// ownVersion is this program's, as the go command noted it.
func ownVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
