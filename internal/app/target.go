package app

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/scrapersky/contactsync/internal/config"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/ops"
	"github.com/scrapersky/contactsync/internal/schema"
	"github.com/scrapersky/contactsync/internal/statement"
)

// SchemaOptions returns what a database is prepared for by these settings.
func SchemaOptions(cfg config.Config) schema.Options { return schemaOptions(cfg, destinations()) }

func schemaOptions(cfg config.Config, list []adapter) schema.Options {
	contacts := cfg.Database.Contacts
	o := schema.Options{Table: contacts.Table, Columns: contacts.Columns.Names, Written: hubspot.Info}
	for _, d := range wanted(list, cfg) {
		o.Destinations = append(o.Destinations, d.info)
	}
	return o
}

// querier is a connection or a pool.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// findTarget returns what the statements for a destination are rendered for: the table
// as it is in the database.
func findTarget(ctx context.Context, db querier, o schema.Options, d destination.Info) (statement.Target, error) {
	table, err := schema.FindTable(ctx, db, o)
	if err != nil {
		return statement.Target{}, err
	}
	return statement.For(table, d, o.Written), nil
}

// newStore returns the store of a destination in a process that has not reached the
// database yet.
func newStore(pool *pgxpool.Pool, o schema.Options, d destination.Info) *ops.Store {
	return ops.Later(pool, d, func(ctx context.Context) (statement.Target, error) { return findTarget(ctx, pool, o, d) })
}
