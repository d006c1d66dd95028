package app

import (
	"context"
	"errors"

	"github.com/scrapersky/contactsync/internal/config"
	"github.com/scrapersky/contactsync/internal/database"
	"github.com/scrapersky/contactsync/internal/queue/admin"
	"github.com/scrapersky/contactsync/internal/queue/columns"
	"github.com/scrapersky/contactsync/internal/schema"
)

// WithDesk gives work the contacts of a database, which must be migrated.
func WithDesk(ctx context.Context, cfg config.Database, work func(desk *admin.Desk) error) error {
	pool, err := database.NewPool(ctx, cfg.URL.Reveal(), InstanceName(), 1)
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

// ExtraColumns returns the types of the columns that are mapped to properties. It
// asks the database only where there are some.
func ExtraColumns(ctx context.Context, cfg config.Database, mapped config.PropertyMap) (list columns.List, err error) {
	if len(mapped.Pairs) == 0 {
		return nil, nil
	}
	err = WithDesk(ctx, cfg, func(desk *admin.Desk) error {
		list, err = desk.Further(ctx, mapped.Columns())
		return PropertyMapError(err)
	})
	return list, err
}
