package main

import (
	"context"

	"github.com/scrapersky/contactsync/internal/app"
	"github.com/scrapersky/contactsync/internal/config"
	"github.com/scrapersky/contactsync/internal/schema"
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

// installSettings say for which table and which destinations a database is prepared: those
// that are set. The rest of a destination's settings is not looked at.
type installSettings struct {
	Contacts config.Contacts
	Brevo    struct {
		APIKey     config.Secret `env:"BREVO_API_KEY"`
		APIKeyFile string        `env:"BREVO_API_KEY_FILE"`
	}
	Webhook struct {
		URL config.Secret `env:"N8N_WEBHOOK_URL"`
	}
}

// schemaOptions returns what a database is prepared for.
func (p *program) schemaOptions(ctx context.Context) (schema.Options, error) {
	cfg, err := load[installSettings](ctx, p, settingsFile)
	key := cfg.Brevo.APIKey
	if cfg.Brevo.APIKeyFile != "" { // which may be on another machine
		key = config.NewSecret(cfg.Brevo.APIKeyFile)
	}
	return app.SchemaOptions(config.Config{
		Database: config.Database{Contacts: cfg.Contacts}, Brevo: config.Brevo{APIKey: key}, Webhook: config.Webhook{URL: cfg.Webhook.URL},
	}), err
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
