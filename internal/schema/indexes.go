package schema

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// The indexes are a migration in Go: a partitioned table's cannot be built
// CONCURRENTLY at once, but only partition by partition, and an interrupted
// build leaves an INVALID index that must go before the next try.
const (
	indexesVersion = 3
	indexesName    = "00003_indexes"
)

// index is one of the partial indexes that keep the queue's statements fast
// however large contacts grows: they hold only the rows that are in the queue,
// in work or in error.
type index struct {
	short string // what it is for
	on    string // columns and condition
}

func (ix index) name() string { return "contacts_contactsync_" + ix.short }

func indexes() []index {
	return []index{
		{"fresh", "(updated_at) WHERE hubspot_processing_status = 'Queued' AND next_retry_at IS NULL"},
		{"retry", "(next_retry_at) WHERE hubspot_processing_status = 'Queued' AND next_retry_at IS NOT NULL"},
		{"processing", "(updated_at) WHERE hubspot_processing_status = 'Processing'"},
		{"error", "(hubspot_error_code) WHERE hubspot_processing_status = 'Error'"},
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

func (m *migrator) buildIndexes(ctx context.Context) error {
	rows, err := m.work.Query(ctx, indexTableSQL)
	if err != nil {
		return err
	}
	contacts, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[relation])
	if err != nil {
		return fmt.Errorf("look for contacts: %w", err)
	}
	for _, ix := range indexes() {
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

func (m *migrator) dropIndexes(ctx context.Context) error {
	rows, err := m.work.Query(ctx, indexRecordedSQL)
	if err != nil {
		return err
	}
	type recorded struct {
		Name        string // quoted
		Partitioned bool
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[recorded])
	if err != nil {
		return err
	}
	for _, ix := range list {
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
	_, err = m.work.Exec(ctx, indexForgetSQL)
	return err
}
