package schema

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/statement"
)

// schemasPublished is the version from which on there are publications of schemas.
const schemasPublished = 150000

// replication finds the subscribers of this database that would stop at what is added:
// their tables have no such columns, and they have no such tables. It also finds that the
// app's table is filled by a subscription itself.
func (m *migrator) replication(ctx context.Context) (list []harm, err error) {
	var oid uint32
	if m.found.table != nil {
		oid = m.found.table.OID
	}
	rows, err := m.work.Query(ctx, preflightSQL.Text("publications"), oid)
	if err != nil {
		return nil, wrap("look for publications", err)
	}
	type publication struct {
		Name               string
		AllTables, Columns bool // it is of all tables; it has every column of the app's table
		Slots              string
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[publication])
	if err != nil {
		return nil, wrap("look for publications", err)
	}
	columns, err := m.forSubscribers()
	if err != nil {
		return nil, err
	}
	ofSchemas, err := m.schemaPublications(ctx, len(all) > 0)
	if err != nil {
		return nil, err
	}
	tables := m.found.table == nil || lacksVersions(m.found.versions)
	for _, p := range all {
		switch {
		case tables && (p.AllTables || ofSchemas[p.Name]):
			list = append(list, harm{
				fmt.Sprintf("publication %s takes what is added along, and its subscribers (logical replication slot %s) have no such tables: their subscription would stop, for all tables",
					statement.Name(p.Name), p.Slots),
				[]string{"run `contactsync migrate up --yes` on each subscriber, which makes the same tables and columns there, and no process"},
			})
		case columns != "" && p.Columns:
			list = append(list, harm{
				fmt.Sprintf("publication %s has every column of %s, and its subscribers (logical replication slot %s) lack those that are added: their subscription would stop, for all tables",
					statement.Name(p.Name), m.found.table.Ident, p.Slots),
				[]string{"on each subscriber: " + columns},
			})
		}
	}
	if m.found.table == nil {
		return list, nil
	}
	rows, err = m.work.Query(ctx, preflightSQL.Text("subscriptions"), oid)
	if err != nil {
		return nil, wrap("look for subscriptions", err)
	}
	subscriptions, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, wrap("look for subscriptions", err)
	}
	if len(subscriptions) > 0 {
		list = append(list, harm{
			fmt.Sprintf("%s is filled by subscription %s: what comes that way fires no trigger, so that it waits for the tick, and where the publisher is synced, too, each contact is sent by both",
				m.found.table.Ident, strings.Join(subscriptions, ", ")),
			[]string{"sync the publisher's contacts instead, with the URL of its database"},
		})
	}
	return list, nil
}

func lacksVersions(list []Version) bool {
	for _, v := range list {
		if v.State == Pending {
			return true
		}
	}
	return false
}

// schemaPublications are those of a schema in which tables are to be created.
func (m *migrator) schemaPublications(ctx context.Context, any bool) (names map[string]bool, err error) {
	var version int
	err = m.work.QueryRow(ctx, "SELECT current_setting('server_version_num')::int").Scan(&version)
	if err != nil || version < schemasPublished || !any {
		return nil, wrap("read the server's version", err)
	}
	schemas := []string{"contactsync"}
	if m.found.table == nil {
		home, err := m.home(ctx)
		if err != nil {
			return nil, err
		}
		schemas = append(schemas, lastPart(home))
	}
	rows, err := m.work.Query(ctx, preflightSQL.Text("schema_publications"), schemas)
	if err != nil {
		return nil, wrap("look for publications", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	names = map[string]bool{}
	for _, name := range list {
		names[name] = true
	}
	return names, wrap("look for publications", err)
}

// forSubscribers is the SQL that adds the missing columns to a subscriber's table; ""
// where none is missing.
func (m *migrator) forSubscribers() (sql string, err error) {
	missing, err := m.found.missing()
	if err != nil || m.found.table == nil || len(missing) == 0 {
		return "", err
	}
	var list []string
	for _, w := range missing {
		name := m.found.table.statement().Column(w.name)
		list = append(list, "ADD COLUMN IF NOT EXISTS "+statement.Quote(name)+" "+w.definition)
	}
	return fmt.Sprintf("ALTER TABLE %s %s;", m.found.table.Ident, strings.Join(list, ", ")), nil
}
