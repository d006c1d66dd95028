package app

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/config"
	"github.com/scrapersky/contactsync/internal/database"
	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/ops"
	"github.com/scrapersky/contactsync/internal/queue/columns"
	"github.com/scrapersky/contactsync/internal/schema"
	"github.com/scrapersky/contactsync/internal/statement"
)

// WithStore gives work the contacts of a database, which must be migrated.
func WithStore(ctx context.Context, cfg config.Database, work func(store *ops.Store) error) error {
	pool, err := database.NewPool(ctx, cfg.URL.Reveal(), InstanceName(), 1)
	if err != nil {
		return err
	}
	defer pool.Close()
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	target, err := migratedTarget(ctx, conn.Conn(), SchemaOptions(config.Config{Database: cfg}))
	conn.Release()
	if err != nil {
		return err
	}
	return work(ops.New(pool, target))
}

func migratedTarget(ctx context.Context, conn *pgx.Conn, o schema.Options) (statement.Target, error) {
	err := schema.Check(ctx, conn, o)
	if _, stale := errors.AsType[*schema.StaleTriggersError](err); err != nil && !stale {
		return statement.Target{}, err
	}
	return findTarget(ctx, conn, o, hubspot.Info)
}

// ExtraColumns returns the types of the columns that are mapped to properties. It
// asks the database only where there are some.
func ExtraColumns(ctx context.Context, cfg config.Database, mapped config.PropertyMap) (list columns.List, err error) {
	if len(mapped.Pairs) == 0 {
		return nil, nil
	}
	err = WithStore(ctx, cfg, func(store *ops.Store) error {
		list, err = store.Extra(ctx, mapped.Columns())
		return PropertyMapError(err)
	})
	return list, err
}
