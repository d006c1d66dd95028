package schema

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3"

	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/statement"
	"github.com/scrapersky/contactsync/migrations"
	"github.com/scrapersky/contactsync/triggers"
)

// Down undoes the newest step, or with all every one, and then schema contactsync is
// gone. A step is a destination that was installed, with its columns, indexes and part of
// the triggers; before the first one it is the table with the columns that all share, and
// then the versions of contactsync's own tables. It returns the names of the steps that
// were undone, newest first. Only what Up created goes; a contacts table that Up created
// and that holds rows is not dropped, but reported as an *UnsuitableError.
func Down(ctx context.Context, url string, o Options, all bool, log *slog.Logger) (undone []string, err error) {
	return down(ctx, url, o, all, log, standardPolicy())
}

func down(ctx context.Context, url string, o Options, all bool, log *slog.Logger, how retryPolicy) (undone []string, err error) {
	defer func() { err = wrap("migrate down", err) }()
	m, err := open(ctx, url, o, log, how)
	if err != nil {
		return nil, err
	}
	defer m.close(ctx)
	if err := m.lookBack(ctx); err != nil {
		return nil, err
	}
	if m.found.copied {
		if err := m.retryLocked(ctx, func() error { return m.downCopy(ctx) }); err != nil {
			return nil, err
		}
		return []string{"a copy without rows"}, m.retryLocked(ctx, func() error { return m.dropSchema(ctx) })
	}
	if _, err := m.upName(ctx); err != nil { // what tells where it is goes with the first step
		return nil, err
	}
	if all {
		if err := m.empty(ctx, m.work); err != nil {
			return nil, err
		}
	}
	for {
		var step string
		err := m.retryLocked(ctx, func() (err error) {
			if err := m.lookBack(ctx); err != nil {
				return err
			}
			step, err = m.stepDown(ctx)
			return err
		})
		if err != nil {
			return undone, err
		}
		if step == "" {
			break
		}
		undone = append(undone, step)
		if !all {
			return undone, nil
		}
	}
	if !all {
		return undone, nil
	}
	return undone, m.retryLocked(ctx, func() error { return m.dropSchema(ctx) })
}

// lookBack looks at the table that was migrated, whatever the settings say now.
func (m *migrator) lookBack(ctx context.Context) error {
	list, err := records(ctx, m.work)
	if err != nil {
		return err
	}
	o := m.options
	recorded := found{records: list}
	if r := recorded.contacts(); r.Kind != "" {
		o.Table = r.Name
	}
	followed, err := follow(ctx, m.work, recorded)
	if err != nil {
		return err
	}
	if followed != nil {
		o.Table = followed.Ident
	}
	m.found, err = look(ctx, m.work, o, m.how.files)
	return err
}

// stepDown undoes the newest step; it returns "" where there is none.
func (m *migrator) stepDown(ctx context.Context) (step string, err error) {
	installed, err := m.found.installed()
	switch {
	case err != nil:
		return "", err
	case m.found.newer():
		return "", errors.New("the database is newer than this version: use the program that migrated it")
	case len(installed) > 0:
		last := installed[len(installed)-1]
		return last.Name, m.downDestination(ctx, last, installed[:len(installed)-1])
	case m.found.contacts().Kind != "":
		return stepContacts, m.downContacts(ctx)
	case !slices.ContainsFunc(m.found.versions, func(v Version) bool { return v.State == Applied }):
		return "", nil
	}
	provider, err := m.provider()
	if err != nil {
		return "", err
	}
	one, err := provider.Down(ctx)
	if errors.Is(err, goose.ErrNoNextVersion) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return m.names([]*goose.MigrationResult{one}, nil)[0], nil
}

// downDestination takes a destination out of the triggers and the views, which go on for
// the others, and then drops its indexes and columns.
func (m *migrator) downDestination(ctx context.Context, d destination.Info, others []destination.Info) error {
	if err := m.withLockTimeout(ctx, func(tx pgx.Tx) error { return m.withdraw(ctx, tx, others) }); err != nil {
		return fmt.Errorf("triggers and views: %w", err)
	}
	theirs := slices.DeleteFunc(slices.Clone(m.found.records), func(r record) bool { return r.Destination != d.Name })
	if m.ours() {
		var indexes []string
		for _, r := range theirs {
			if r.Kind == kindIndex {
				indexes = append(indexes, r.Name)
			}
		}
		if err := m.dropIndexes(ctx, indexes); err != nil {
			return err
		}
	}
	return m.withLockTimeout(ctx, func(tx pgx.Tx) error {
		if err := m.dropColumns(ctx, tx, theirs); err != nil {
			return err
		}
		return forget(ctx, tx, theirs...)
	})
}

// withdraw leaves triggers and views for these destinations alone.
func (m *migrator) withdraw(ctx context.Context, tx pgx.Tx, others []destination.Info) error {
	if _, err := tx.Exec(ctx, recordSQL.Text("drop_triggers"), pgx.QueryExecModeSimpleProtocol); err != nil {
		return err
	}
	if len(others) == 0 || !m.ours() {
		objects := slices.Concat(m.found.of(kindView), m.found.of(kindFunction))
		if err := m.dropObjects(ctx, tx, objects); err != nil {
			return err
		}
		return forget(ctx, tx, record{Kind: kindTriggers, Name: textHash}, record{Kind: kindViews, Name: textHash})
	}
	s, err := m.found.render(kindTriggers, triggers.FS, "*.sql", others)
	if err == nil {
		err = m.replaceTriggers(ctx, tx, s)
	}
	if err != nil {
		return err
	}
	s, err = m.found.render(kindViews, migrations.Objects, "objects/*.sql", others)
	if err == nil {
		err = m.replaceViews(ctx, tx, s)
	}
	return err
}

// dropColumns drops those of the recorded columns that are there.
func (m *migrator) dropColumns(ctx context.Context, tx pgx.Tx, list []record) error {
	var drop []string
	for _, r := range list {
		if r.Kind == kindColumn && m.ours() && m.found.table.column(r.Name) != nil {
			drop = append(drop, "DROP COLUMN "+statement.Quote(r.Name))
		}
	}
	if len(drop) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, fmt.Sprintf("ALTER TABLE %s %s", m.found.table.Ident, strings.Join(drop, ", ")))
	return err
}

// downContacts drops the table, if Up created it, or the columns that Up added.
func (m *migrator) downContacts(ctx context.Context) error {
	shared := slices.Concat(m.found.of(kindColumn), m.found.of(kindPlace), []record{m.found.contacts()})
	return m.withLockTimeout(ctx, func(tx pgx.Tx) error {
		switch {
		case !m.ours():
		case m.found.contacts().Detail == created:
			if _, err := tx.Exec(ctx, fmt.Sprintf("LOCK TABLE %s IN ACCESS EXCLUSIVE MODE", m.found.table.Ident)); err != nil {
				return err
			}
			if err := m.empty(ctx, tx); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "DROP TABLE "+m.found.table.Ident); err != nil {
				return err
			}
		default:
			if err := m.dropColumns(ctx, tx, shared); err != nil {
				return err
			}
		}
		return forget(ctx, tx, shared...)
	})
}

// ours says whether the table is there, and is the one that was migrated. One that Up
// created has all that was recorded of it; one that somebody made in its place has not.
func (m *migrator) ours() bool {
	if m.found.table == nil {
		return false
	}
	return m.found.contacts().Detail != created || !slices.ContainsFunc(m.found.of(kindColumn), func(r record) bool {
		return m.found.table.column(r.Name) == nil
	})
}

// empty refuses to go on to where contacts would be dropped with a table of ours.
func (m *migrator) empty(ctx context.Context, db querier) error {
	if m.found.contacts().Detail != created || !m.ours() {
		return nil
	}
	name := m.found.table.Ident
	var blind, filled bool
	if err := db.QueryRow(ctx, "SELECT row_security_active($1::oid)", m.found.table.OID).Scan(&blind); err != nil {
		return err
	}
	if blind {
		return &UnsuitableError{
			Problems: []string{"row security hides from this role whether " + name + " holds contacts, which going back to nothing would delete"},
			Remedies: []string{fmt.Sprintf("ALTER TABLE %s NO FORCE ROW LEVEL SECURITY; -- and FORCE again afterwards, where the table stays", name)},
		}
	}
	if err := db.QueryRow(ctx, fmt.Sprintf("SELECT EXISTS (SELECT FROM %s)", name)).Scan(&filled); err != nil || !filled {
		return err
	}
	return &UnsuitableError{
		Problems: []string{name + " was created by contactsync and holds contacts, which going back to nothing would delete"},
		Remedies: []string{fmt.Sprintf("move the rows of %s elsewhere and empty it, then try again; whoever needs none of them may drop the table", name)},
	}
}
