package main

import (
	"context"
	"errors"

	"github.com/scrapersky/contactsync/internal/config"
	"github.com/scrapersky/contactsync/internal/database"
	info "github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/ops"
	"github.com/scrapersky/contactsync/internal/schema"
	"github.com/scrapersky/contactsync/internal/statement"
)

// target is what all SQL is rendered for.
func target() statement.Target {
	return statement.For(statement.Contacts(), info.Info, info.Info)
}

// withStore gives work the contacts of a migrated database.
func (p *program) withStore(ctx context.Context, work func(store *ops.Store) error) error {
	cfg, err := load[databaseSettings](ctx, p, settingsFile)
	if err != nil {
		return err
	}
	return storeOf(ctx, cfg.Database, work)
}

// storeOf is withStore for a command that has read its settings.
func storeOf(ctx context.Context, cfg config.Database, work func(store *ops.Store) error) error {
	pool, err := database.NewPool(ctx, cfg.URL.Reveal(), instanceName(), 1)
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
	return work(ops.New(pool, target()))
}
