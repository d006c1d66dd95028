package schema

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// What Detach takes off, as it is recorded.
const (
	detachedTriggers = "triggers"
	detachedIndexes  = "indexes"
)

func detached(what string) record { return record{Kind: kindDetached, Name: what} }

// detachedSince is when Detach took the triggers off; it is zero while they are not.
func (f found) detachedSince() time.Time { return f.recorded(kindDetached, detachedTriggers).At }

// Detach takes off what keeps the app from altering the type of a column: Postgres
// refuses that for one that a trigger names, and for another kind of type also for one in
// the condition of an index. It is one transaction, after which the app's own migration
// can run; Attach puts all back. Rows that are queued meanwhile wait for the tick, and
// without the indexes each look at the queue reads the whole table. It may be run again.
//
// With keepIndexes the indexes stay: enough where a type only gets longer or shorter.
func Detach(ctx context.Context, url string, o Options, keepIndexes bool, log *slog.Logger) (err error) {
	defer func() { err = wrap("migrate detach", err) }()
	m, err := open(ctx, url, o, log, standardPolicy())
	if err != nil {
		return err
	}
	defer m.close(ctx)
	return m.retryLocked(ctx, func() error {
		if err := m.lookBack(ctx); err != nil {
			return err
		}
		if m.found.contacts().Kind == "" {
			return &NotMigratedError{Pending: []string{stepContacts}}
		}
		return m.withLockTimeout(ctx, func(tx pgx.Tx) error { return m.detach(ctx, tx, keepIndexes) })
	})
}

func (m *migrator) detach(ctx context.Context, tx pgx.Tx, keepIndexes bool) error {
	if _, err := tx.Exec(ctx, recordSQL.Text("drop_triggers"), pgx.QueryExecModeSimpleProtocol); err != nil {
		return err
	}
	if err := add(ctx, tx, detached(detachedTriggers)); err != nil || keepIndexes {
		return err
	}
	if m.found.table != nil {
		names, err := m.indexesThere(ctx, tx)
		if err != nil {
			return err
		}
		if len(names) > 0 {
			if _, err := tx.Exec(ctx, "DROP INDEX "+strings.Join(names, ", ")); err != nil {
				return err
			}
		}
	}
	return add(ctx, tx, detached(detachedIndexes))
}

// indexesThere lists the names of our indexes on the table, quoted.
func (m *migrator) indexesThere(ctx context.Context, tx pgx.Tx) (names []string, err error) {
	var recorded []string
	for _, r := range m.found.of(kindIndex) {
		recorded = append(recorded, r.Name)
	}
	rows, err := tx.Query(ctx, catalogSQL.Text("indexes"), m.found.table.OID, recorded)
	if err != nil {
		return nil, fmt.Errorf("look for the indexes: %w", err)
	}
	var name string
	var partitioned bool
	_, err = pgx.ForEachRow(rows, []any{&name, &partitioned}, func() error {
		names = append(names, name)
		return nil
	})
	return names, wrap("look for the indexes", err)
}

// Attach puts back what Detach took off, and whatever else Up would find missing after
// the app's migration: first the triggers, so that rows do not wait for the indexes. It
// may be run again.
func Attach(ctx context.Context, url string, o Options, log *slog.Logger) (result Result, err error) {
	defer func() { err = wrap("migrate attach", err) }()
	m, err := open(ctx, url, o, log, standardPolicy())
	if err != nil {
		return result, err
	}
	defer m.close(ctx)
	if err := m.suitable(ctx); err != nil {
		return result, err
	}
	if m.found.contacts().Kind == "" {
		return result, &NotMigratedError{Pending: []string{stepContacts}}
	}
	m.attaching = true
	return m.apply(ctx, m.upVersions, m.upName, m.upColumns, m.upPlaces, m.upTriggers, m.upIDs, m.upIndexes, m.upViews)
}

// staysDetached says whether Up leaves something off, because the app's migration may be
// under way.
func (m *migrator) staysDetached(ctx context.Context, what string) bool {
	off := m.found.recorded(kindDetached, what)
	if off.Kind == "" || m.attaching {
		return false
	}
	m.log.WarnContext(ctx, "detached, and left so: run `contactsync migrate attach` when the app's migration is over", "what", what, "since", off.At)
	return true
}
