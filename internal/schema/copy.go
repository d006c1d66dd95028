package schema

import (
	"context"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/statement"
	"github.com/scrapersky/contactsync/migrations"
	"github.com/scrapersky/contactsync/triggers"
)

// isCopy says whether contactsync's own tables are there without a row of their versions:
// a copy of the schema alone, as `pg_dump --schema-only` makes it.
func isCopy(ctx context.Context, db querier) (copied bool, err error) {
	for _, question := range []string{"versioned", "unversioned"} {
		if err := db.QueryRow(ctx, recordSQL.Text(question)).Scan(&copied); err != nil || !copied {
			return false, wrap("look for a copy without rows", err)
		}
	}
	return true, nil
}

// createdTable is a table that a version creates.
var createdTable = regexp.MustCompile(`(?m)^CREATE TABLE contactsync\.(\w+)`)

// ownTables lists contactsync's own tables that are there.
func (m *migrator) ownTables(ctx context.Context) ([]string, error) {
	names := []string{"goose_db_version"}
	files, err := fs.Glob(m.how.files, "*.sql")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := fs.ReadFile(m.how.files, file)
		if err != nil {
			return nil, err
		}
		for _, match := range createdTable.FindAllStringSubmatch(string(text), -1) {
			names = append(names, match[1])
		}
	}
	rows, err := m.work.Query(ctx, catalogSQL.Text("own_tables"), names)
	if err != nil {
		return nil, wrap("look for contactsync's tables", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return list, wrap("look for contactsync's tables", err)
}

// emptyCopy refuses a copy that holds rows: what they are worth without the rest only a
// person knows.
func (m *migrator) emptyCopy(ctx context.Context) error {
	if !m.found.copied {
		return nil
	}
	tables, err := m.ownTables(ctx)
	if err != nil {
		return err
	}
	for _, name := range tables {
		var filled bool
		if err := m.work.QueryRow(ctx, fmt.Sprintf("SELECT EXISTS (SELECT FROM %s)", name)).Scan(&filled); err != nil {
			return wrap("look into "+name, err)
		}
		if filled {
			return &UnsuitableError{
				Problems: []string{"schema contactsync is a copy without the record of its versions, but " + name + " holds rows"},
				Remedies: []string{"DROP SCHEMA contactsync CASCADE; -- with these rows, and contactsync's triggers"},
			}
		}
	}
	return nil
}

// clearCopy takes away what a copy has of contactsync's own, all of it empty, so that it is
// made anew. What is on the app's table stays as it is: the steps find it there.
func (m *migrator) clearCopy(ctx context.Context) error {
	tables, err := m.ownTables(ctx)
	if err != nil {
		return err
	}
	objects, err := scriptObjects(migrations.Objects, "objects/*.sql")
	if err != nil {
		return err
	}
	functions, err := scriptObjects(triggers.FS, "*.sql")
	if err != nil {
		return err
	}
	for _, d := range m.options.Destinations { // each has some of its own
		t := statement.For(statement.Contacts(), d, m.options.Written)
		for _, r := range slices.Clone(objects) {
			objects = append(objects, record{Kind: r.Kind, Name: t.Text(r.Name)})
		}
	}
	err = m.withLockTimeout(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, recordSQL.Text("drop_triggers"), pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		if err := m.dropObjects(ctx, tx, slices.Concat(objects, functions)); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "DROP TABLE "+strings.Join(tables, ", "))
		return err
	})
	return wrap("take over a copy", err)
}

// scriptObjects lists the views and functions that scripts create, as they are written.
func scriptObjects(files fs.FS, pattern string) (list []record, err error) {
	names, err := fs.Glob(files, pattern)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		list = append(list, script{text: string(text)}.objects()...)
	}
	return list, nil
}

// downCopy takes a copy back. Whose its columns are nothing tells, so that they stay.
func (m *migrator) downCopy(ctx context.Context) error {
	if err := m.emptyCopy(ctx); err != nil {
		return err
	}
	if err := m.clearCopy(ctx); err != nil {
		return err
	}
	if m.found.table == nil {
		return nil
	}
	var indexes, columns []string
	for _, d := range m.options.Destinations {
		for _, ix := range indexesOf(m.target(d)) {
			indexes = append(indexes, ix.Name)
		}
		for _, w := range columnsOf(d) {
			if m.found.table.column(w.name) != nil {
				columns = append(columns, "DROP COLUMN "+statement.Quote(w.name))
			}
		}
	}
	if len(columns) > 0 {
		m.log.WarnContext(ctx, "a copy does not tell who added its columns, so they stay",
			"to_drop_them", fmt.Sprintf("ALTER TABLE %s %s;", m.found.table.Ident, strings.Join(columns, ", ")))
	}
	return m.dropIndexes(ctx, indexes)
}
