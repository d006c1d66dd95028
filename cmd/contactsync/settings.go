package main

import (
	"context"

	"github.com/scrapersky/contactsync/internal/config"
)

// settingsFile is read where there is one; the real environment wins.
const settingsFile = ".env"

// loadWithFile reads all settings.
func (p *program) loadWithFile(ctx context.Context, path string) (config.Config, error) {
	return load[config.Config](ctx, p, path)
}

// databaseSettings are those of the commands that need nothing but the database.
type databaseSettings struct {
	Database config.Database
	Log      config.Log
}

// load reads a part of the settings.
func load[T any](ctx context.Context, p *program, path string) (T, error) {
	env, err := config.WithFile(p.env, path)
	if err != nil {
		var none T
		return none, err
	}
	return config.Part[T](ctx, env)
}
