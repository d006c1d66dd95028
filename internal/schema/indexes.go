package schema

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3"
)

// The indexes are migrations in Go: a partitioned table's cannot be built
// CONCURRENTLY at once, but only partition by partition, and an interrupted
// build leaves an INVALID index that must go before the next try.
const (
	indexesVersion = 3
	indexesName    = "00003_indexes"
	steadyVersion  = 10
	steadyName     = "00010_steady_indexes"
)

// index is one of the partial indexes that keep the queue's statements fast
// however large contacts grows: they hold only the rows that are in the queue,
// in work or in error.
type index struct {
	short string // what it is for
	on    string // columns and condition
}

func (ix index) name() string { return "contacts_contactsync_" + ix.short }

// first are the indexes of version 3 that are still used.
func first() []index {
	return []index{
		{"retry", "(next_retry_at) WHERE hubspot_processing_status = 'Queued' AND next_retry_at IS NOT NULL"},
		{"error", "(hubspot_error_code) WHERE hubspot_processing_status = 'Error'"},
	}
}

// steady are on columns that apps do not change, so that updates of others may
// stay heap-only.
func steady() []index {
	return []index{
		{"queued", "(hubspot_queued_at NULLS FIRST) WHERE hubspot_processing_status = 'Queued' AND next_retry_at IS NULL"},
		{"in_work", "(id) WHERE hubspot_processing_status = 'Processing'"},
	}
}

// replaced are what version 3 had instead of the steady ones.
func replaced() []index {
	return []index{
		{"fresh", "(updated_at) WHERE hubspot_processing_status = 'Queued' AND next_retry_at IS NULL"},
		{"processing", "(updated_at) WHERE hubspot_processing_status = 'Processing'"},
	}
}

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
	inDB := func(do func(ctx context.Context) error) *goose.GoFunc {
		return &goose.GoFunc{RunDB: func(ctx context.Context, _ *sql.DB) error { return do(ctx) }}
	}
	return []*goose.Migration{
		// What the later version replaces is not built to be dropped at once.
		goose.NewGoMigration(indexesVersion,
			inDB(func(ctx context.Context) error { return m.buildIndexes(ctx, first()) }),
			inDB(func(ctx context.Context) error { return m.dropIndexes(ctx, slices.Concat(first(), replaced())) })),
		goose.NewGoMigration(steadyVersion,
			inDB(func(ctx context.Context) error {
				if err := m.buildIndexes(ctx, steady()); err != nil {
					return err
				}
				return m.dropIndexes(ctx, replaced())
			}),
			inDB(func(ctx context.Context) error {
				if err := m.restoreIndexes(ctx, replaced()); err != nil {
					return err
				}
				return m.dropIndexes(ctx, steady())
			})),
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
		name := ix.name()
		if err := m.build(ctx, contacts, ix, name); err != nil {
			return fmt.Errorf("index %s: %w", name, err)
		}
		// The name as the catalogue writes it, so that it leads back to the index.
		if _, err := m.work.Exec(ctx, indexRecordSQL, contacts.Schema, name); err != nil {
			return fmt.Errorf("record index %s: %w", name, err)
		}
	}
	return nil
}

// dropIndexes drops those of the list that are there.
func (m *migrator) dropIndexes(ctx context.Context, list []index) error {
	var names []string
	for _, ix := range list {
		names = append(names, ix.name())
	}
	rows, err := m.work.Query(ctx, indexThereSQL, names)
	if err != nil {
		return err
	}
	type there struct {
		Name        string // quoted
		Partitioned bool
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[there])
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
	_, err = m.work.Exec(ctx, indexForgetSQL, names)
	return err
}

// restoreIndexes builds what an older version relies on, unless somebody dropped
// contacts: then there is nothing to go back to.
func (m *migrator) restoreIndexes(ctx context.Context, list []index) error {
	err := m.buildIndexes(ctx, list)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	return err
}
