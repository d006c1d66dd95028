package main

import (
	"context"
	"errors"

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
	pool, err := database.NewPool(ctx, cfg.Database.URL.Reveal(), instanceName(), 1)
	if err != nil {
		return err
	}
	defer pool.Close()
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	err = schema.Check(ctx, conn.Conn())
	conn.Release()
	if _, stale := errors.AsType[*schema.StaleTriggersError](err); err != nil && !stale {
		return err
	}
	return work(admin.New(pool))
}
