package app

import (
	"context"
	"errors"
	"log/slog"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/database"
	"github.com/scrapersky/contactsync/internal/queue/columns"
	"github.com/scrapersky/contactsync/internal/schema"
)

// checkSchema waits for the database and refuses one that is not migrated, or has
// not the columns that a worker's settings map, and tells the workers what the table is. A connection that is lost meanwhile
// is waited for like one that cannot be had. It takes one worker or more.
func checkSchema(ctx context.Context, log *slog.Logger, o schema.Options, workers ...*worker) error {
	refusal, err := connectWithBackoff(ctx, log, func(ctx context.Context) (refusal, err error) {
		conn, err := workers[0].connect(ctx)
		if err != nil {
			return nil, err
		}
		defer database.Close(ctx, conn)
		if err = checkSchemaOn(ctx, conn, log, o, workers); err != nil && (conn.IsClosed() || isPassing(err)) {
			return nil, err
		}
		return err, nil
	})
	if err == nil {
		err = refusal
	}
	return err
}

func checkSchemaOn(ctx context.Context, conn *pgx.Conn, log *slog.Logger, o schema.Options, workers []*worker) error {
	err := schema.Check(ctx, conn, o)
	if stale, ok := errors.AsType[*schema.StaleTriggersError](err); ok {
		log.WarnContext(ctx, "triggers are missing or not this version's", "error", stale)
		err = nil
	}
	for _, w := range workers {
		if err == nil {
			w.target, err = findTarget(ctx, conn, o, w.info)
		}
		if err == nil {
			w.extra, err = columns.Find(ctx, conn, w.target.Table, w.settings.columns)
			err = MappingError(w.settings.mapping, err)
		}
	}
	if err == nil {
		workers[0].visible.look(ctx, conn)
	}
	return err
}
