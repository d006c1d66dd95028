package main

import (
	"context"

	"github.com/scrapersky/contactsync/internal/app"
	"github.com/scrapersky/contactsync/internal/ops"
)

// withStore gives work the contacts of a migrated database.
func (p *program) withStore(ctx context.Context, work func(store *ops.Store) error) error {
	cfg, err := load[databaseSettings](ctx, p, settingsFile)
	if err != nil {
		return err
	}
	return app.WithStore(ctx, cfg.Database, work)
}
