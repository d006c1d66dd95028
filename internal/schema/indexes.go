package schema

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	_ "embed" // the statements

	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/statement"
)

var (
	//go:embed contacts.sql
	contactsFile string
	contactsSQL  = statement.Parse(contactsFile)
)

// Index is one of the partial indexes that keep the queue's statements fast
// however large contacts grows: they hold only the rows that are in the queue,
// in work or in error. They are on columns that apps do not change, so that an app's
// own updates stay heap-only. One that is changed needs another name.
type Index struct {
	Name string // in the schema of contacts
	On   string // columns and condition, as in CREATE INDEX ... ON contacts

	columns []string // that On names, unquoted
}

// Indexes lists the indexes that Up builds for the destinations of the options.
func Indexes(o Options) []Index {
	var list []Index
	for _, d := range o.Destinations {
		list = append(list, indexesOf(statement.For(statement.Table{Name: o.table(), ID: "uuid", Columns: o.Columns}, d, o.Written))...)
	}
	return list
}

// indexesOf names the operator's schema, because another = of the app's search_path
// would be called by every write of the app.
func indexesOf(t statement.Target) []Index {
	c := t.Destination.Columns
	list := []Index{
		{"contacts_contactsync_queued", "(hubspot_queued_at) WHERE hubspot_processing_status OPERATOR(pg_catalog.=) 'Queued' AND next_retry_at IS NULL", []string{c.QueuedAt, c.DueAt}},
		{"contacts_contactsync_retry", "(next_retry_at) WHERE hubspot_processing_status OPERATOR(pg_catalog.=) 'Queued' AND next_retry_at IS NOT NULL", []string{c.DueAt}},
		{"contacts_contactsync_in_work", "(" + t.Table.Ident("id") + ") WHERE hubspot_processing_status OPERATOR(pg_catalog.=) 'Processing'", []string{t.Table.Column("id")}},
		{"contacts_contactsync_error", "(hubspot_error_code) WHERE hubspot_processing_status OPERATOR(pg_catalog.=) 'Error'", []string{c.Code}},
	}
	for i, ix := range list {
		list[i] = Index{t.Text(ix.Name), t.Text(ix.On), append(ix.columns, c.Status)}
	}
	return list
}

// upIndexes builds the indexes that are missing. Then the contacts that wait already get
// their place in the queue, once.
func (m *migrator) upIndexes(ctx context.Context) (done []string, err error) {
	destinations, err := m.found.destinations()
	if err != nil {
		return nil, err
	}
	if m.staysDetached(ctx, detachedIndexes) {
		return nil, nil
	}
	for _, d := range destinations {
		some, err := m.buildIndexes(ctx, d)
		if err != nil {
			return done, err
		}
		if some {
			done = append(done, indexesStep(d.Name))
		}
		if m.found.recorded(kindOrder, d.Name).Kind == "" {
			if err := m.orderQueue(ctx, d); err != nil {
				return done, err
			}
		}
	}
	return done, forget(ctx, m.work, detached(detachedIndexes))
}

// buildIndexes says whether there was one to build.
func (m *migrator) buildIndexes(ctx context.Context, d destination.Info) (some bool, err error) {
	for _, ix := range indexesOf(m.target(d)) {
		state, err := m.findIndex(ctx, m.found.table.relation, ix)
		if err != nil {
			return some, err
		}
		if state == indexValid && m.found.recorded(kindIndex, ix.Name).Kind != "" {
			continue
		}
		some = true
		if err := m.build(ctx, m.found.table.relation, ix); err != nil {
			return some, fmt.Errorf("index %s: %w", ix.Name, err)
		}
		r := record{Kind: kindIndex, Name: ix.Name, Detail: ix.On, Destination: d.Name}
		if err := add(ctx, m.work, r); err != nil {
			return some, err
		}
	}
	return some, nil
}

// orderQueue gives the contacts that are in the queue their place in it. One that
// the app's own triggers or constraints refuse to let be written costs no more than the
// order of the rest, which comes first without.
func (m *migrator) orderQueue(ctx context.Context, d destination.Info) error {
	order := contactsSQL.Render(m.target(d), "queue_order").SQL
	for told := 0; ; {
		var n int
		err := m.withLockTimeout(ctx, func(tx pgx.Tx) error {
			// Triggers of ours keep out of it, and columns without a time zone hold UTC.
			if _, err := tx.Exec(ctx, "SET LOCAL contactsync.worker = 'on'"); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "SET LOCAL timezone = 'UTC'"); err != nil {
				return err
			}
			return tx.QueryRow(ctx, order).Scan(&n)
		})
		if refused, ok := errors.AsType[*pgconn.PgError](err); ok && refused.Code != stateLockNotAvailable && refused.Code != stateDeadlock {
			m.log.WarnContext(ctx, "not all contacts in the queue keep their order: the database refuses to write one", "destination", d.Name, "error", err)
			n, err = 0, nil
		}
		if err != nil {
			return fmt.Errorf("give the contacts that wait their place in the queue: %w", err)
		}
		if told += n; n > 0 {
			continue
		}
		if told > 0 {
			m.log.InfoContext(ctx, "the contacts in the queue have their place", "destination", d.Name, "contacts", told)
		}
		return add(ctx, m.work, record{Kind: kindOrder, Name: d.Name, Destination: d.Name})
	}
}

// dropIndexes drops those of the list that are there.
func (m *migrator) dropIndexes(ctx context.Context, names []string) error {
	rows, err := m.work.Query(ctx, catalogSQL.Text("indexes"), m.found.table.OID, names)
	if err != nil {
		return fmt.Errorf("look for the indexes: %w", err)
	}
	type existing struct {
		Name        string // quoted
		Partitioned bool
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[existing])
	if err != nil {
		return fmt.Errorf("look for the indexes: %w", err)
	}
	for _, ix := range list {
		if err := m.dropIndex(ctx, ix.Name, ix.Partitioned); err != nil {
			return fmt.Errorf("drop index %s: %w", ix.Name, err)
		}
	}
	return nil
}
