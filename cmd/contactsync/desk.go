package main

import (
	"context"
	"errors"

	"github.com/scrapersky/contactsync/internal/config"
	"github.com/scrapersky/contactsync/internal/database"
	"github.com/scrapersky/contactsync/internal/queue/admin"
	"github.com/scrapersky/contactsync/internal/schema"
)

// withDesk gives work the contacts of a migrated database.
func (p *program) withDesk(ctx context.Context, work func(desk *admin.Desk) error) error {
	cfg, err := load[databaseSettings](ctx, p, settingsFile)
	if err != nil {
		return err
	}
	return deskOf(ctx, cfg.Database, work)
}

// deskOf is withDesk for a command that has read its settings.
func deskOf(ctx context.Context, cfg config.Database, work func(desk *admin.Desk) error) error {
	pool, err := database.NewPool(ctx, cfg.URL.Reveal(), instanceName(), 1)
	if err != nil {
		return err
	}
	defer pool.Close()
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	err = schema.Check(ctx, conn.Conn(), schemaOptions(cfg.Contacts))
	conn.Release()
	if _, stale := errors.AsType[*schema.StaleTriggersError](err); err != nil && !stale {
		return err
	}
	return work(admin.New(pool))
}
