package schema

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3"
)

// The indexes are migrations in Go: a partitioned table's cannot be built
// CONCURRENTLY at once, but only partition by partition, and an interrupted
// build leaves an INVALID index that must go before the next try.
const (
	version3  = 3
	name3     = "00003_indexes"
	version10 = 10
	name10    = "00010_steady_indexes"
)

// index is one of the partial indexes that keep the queue's statements fast
// however large contacts grows: they hold only the rows that are in the queue,
// in work or in error.
type index struct {
	short string // what it is for
	on    string // columns and condition
}

func (ix index) name() string { return "contacts_contactsync_" + ix.short }

// indexesOf3 are those of version 3 that are still used.
func indexesOf3() []index {
	return []index{
		{"retry", "(next_retry_at) WHERE hubspot_processing_status = 'Queued' AND next_retry_at IS NOT NULL"},
		{"error", "(hubspot_error_code) WHERE hubspot_processing_status = 'Error'"},
	}
}

// indexesOf10 are on columns that apps do not change, so that an app's own updates
// stay heap-only.
func indexesOf10() []index {
	return []index{
		{"queued", "(hubspot_queued_at NULLS FIRST) WHERE hubspot_processing_status = 'Queued' AND next_retry_at IS NULL"},
		{"in_work", "(id) WHERE hubspot_processing_status = 'Processing'"},
	}
}

// replacedBy10 are what version 3 had instead.
func replacedBy10() []index {
	return []index{
		{"fresh", "(updated_at) WHERE hubspot_processing_status = 'Queued' AND next_retry_at IS NULL"},
		{"processing", "(updated_at) WHERE hubspot_processing_status = 'Processing'"},
	}
}

func inUse() []index { return slices.Concat(indexesOf3(), indexesOf10()) }

// relation is a table as index_table.sql and index_partitions.sql give it.
type relation struct {
	OID    uint32
	Kind   string // r table, p partitioned table, f foreign table
	Schema string
	Name   string
}

func (r relation) ident() string { return pgx.Identifier{r.Schema, r.Name}.Sanitize() }

// indexMigrations are the versions that build and drop indexes.
func (m *migrator) indexMigrations() []*goose.Migration {
	version := func(number int64, up, down func(ctx context.Context) error) *goose.Migration {
		inDB := func(do func(ctx context.Context) error) *goose.GoFunc {
			return &goose.GoFunc{RunDB: func(ctx context.Context, _ *sql.DB) error { return do(ctx) }}
		}
		return goose.NewGoMigration(number, inDB(up), inDB(down))
	}
	return []*goose.Migration{
		// A new database builds no index that version 10 replaces: this one leaves
		// those two out. It drops whatever there is, also what an interrupted run left.
		version(version3,
			func(ctx context.Context) error { return m.buildIndexes(ctx, indexesOf3()) },
			func(ctx context.Context) error {
				return m.dropIndexes(ctx, slices.Concat(inUse(), replacedBy10()))
			}),
		version(version10,
			func(ctx context.Context) error {
				if err := m.buildIndexes(ctx, indexesOf10()); err != nil {
					return err
				}
				return m.tellSinceWhen(ctx)
			},
			m.backFrom10),
	}
}

// backFrom10 builds what version 9 and those before rely on, unless they are to go,
// too, or contacts is not the table any more that had the indexes.
func (m *migrator) backFrom10(ctx context.Context) error {
	there, err := m.findIndexes(ctx, indexesOf10())
	if err != nil {
		return err
	}
	if len(there) > 0 && !m.all {
		if err := m.buildIndexes(ctx, replacedBy10()); err != nil {
			return err
		}
	}
	return m.dropIndexes(ctx, indexesOf10())
}

// tellSinceWhen gives the contacts that are in the queue their place in it. One that
// the app's own triggers or constraints refuse to let be written costs no more than the
// order of the rest, which comes first without.
func (m *migrator) tellSinceWhen(ctx context.Context) error {
	for told := 0; ; {
		var n int
		err := m.briefly(ctx, func(tx pgx.Tx) error {
			// Triggers of ours keep out of it, and columns without a time zone hold UTC.
			if _, err := tx.Exec(ctx, "SET LOCAL contactsync.worker = 'on'"); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "SET LOCAL timezone = 'UTC'"); err != nil {
				return err
			}
			return tx.QueryRow(ctx, queuedSinceSQL).Scan(&n)
		})
		if refused, ok := errors.AsType[*pgconn.PgError](err); ok && refused.Code != stateLockNotAvailable && refused.Code != stateDeadlock {
			m.log.WarnContext(ctx, "not all contacts in the queue keep their order: the database refuses to write one", "error", err)
			return nil
		}
		if err != nil {
			return fmt.Errorf("tell since when contacts wait: %w", err)
		}
		if told += n; n == 0 {
			if told > 0 {
				m.log.InfoContext(ctx, "the contacts in the queue have their place", "contacts", told)
			}
			return nil
		}
	}
}

func (m *migrator) buildIndexes(ctx context.Context, list []index) error {
	rows, err := m.work.Query(ctx, indexTableSQL)
	if err != nil {
		return err
	}
	contacts, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[relation])
	if err != nil {
		return fmt.Errorf("look for contacts: %w", err)
	}
	for _, ix := range list {
		if err := m.build(ctx, contacts, ix, ix.name()); err != nil {
			return fmt.Errorf("index %s: %w", ix.name(), err)
		}
	}
	return nil
}

// existing is an index that there is.
type existing struct {
	Name        string // quoted
	Partitioned bool
}

// findIndexes answers which of the list are there.
func (m *migrator) findIndexes(ctx context.Context, list []index) ([]existing, error) {
	var names []string
	for _, ix := range list {
		names = append(names, ix.name())
	}
	rows, err := m.work.Query(ctx, indexThereSQL, names)
	if err != nil {
		return nil, err
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[existing])
	if err != nil {
		return nil, fmt.Errorf("look for the indexes: %w", err)
	}
	return found, nil
}

// dropIndexes drops those of the list that are there.
func (m *migrator) dropIndexes(ctx context.Context, list []index) error {
	found, err := m.findIndexes(ctx, list)
	if err != nil {
		return err
	}
	for _, ix := range found {
		if ix.Partitioned {
			err = m.briefly(ctx, func(tx pgx.Tx) error {
				_, err := tx.Exec(ctx, "DROP INDEX "+ix.Name)
				return err
			})
		} else {
			err = m.concurrently(ctx, "DROP INDEX CONCURRENTLY "+ix.Name)
		}
		if err != nil {
			return fmt.Errorf("drop index %s: %w", ix.Name, err)
		}
	}
	return nil
}
