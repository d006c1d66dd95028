package schema

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/statement"
)

// typeClass is what the type of an existing column must be like.
type typeClass string

const (
	anything typeClass = ""
	key      typeClass = "a type that can be indexed: uuid, bigint, text"
	status   typeClass = "text or an enum"
	text     typeClass = "text"
	number   typeClass = "an integer"
	moment   typeClass = "a timestamp"
	instant  typeClass = "timestamptz"
)

// columnSpec is a column that the app's table is to have.
type columnSpec struct {
	name        string // in the contract
	typeClass   typeClass
	room        int    // how many characters it must hold; 0 where that does not matter
	nullable    bool   // contactsync writes NULL into it
	ours        bool   // contactsync writes it
	definition  string // as it is added
	later       string // a default that it gets afterwards, so that old rows have none
	destination string // "" for all
}

// key is the column that contacts are known by.
func (o Options) key() columnSpec {
	return columnSpec{name: "id", typeClass: key, definition: "uuid PRIMARY KEY DEFAULT gen_random_uuid()"}
}

// sentColumns are the columns that are sent. Those that are added, here and below, have
// constant defaults: Postgres keeps them beside the table and rewrites no row.
func (o Options) sentColumns() []columnSpec {
	return []columnSpec{
		o.key(),
		{name: "email", definition: "text"},
		{name: "name", definition: "text"},
		{name: "phone_number", definition: "text"},
		{name: "domain_id", definition: "uuid"},
		{name: "page_id", definition: "uuid"},
	}
}

// sharedColumns are the other columns that all destinations share.
func sharedColumns() []columnSpec {
	return []columnSpec{
		{name: "last_failed_crm", typeClass: text, room: 10, ours: true, definition: "text"},
		{name: "created_at", definition: "timestamptz DEFAULT now()"},
		{name: "updated_at", typeClass: moment, ours: true, definition: "timestamptz DEFAULT now()"},
	}
}

// columnsOf are the columns of a destination.
func columnsOf(d destination.Info) []columnSpec {
	list := []columnSpec{
		{name: d.Columns.Mirror, typeClass: status, room: 10, definition: "text DEFAULT 'New'"},
		{name: d.Columns.Status, typeClass: status, room: 10, definition: "text"},
		{name: d.Columns.Error, typeClass: text, room: 500, nullable: true, definition: "text"},
		{name: d.Columns.Code, typeClass: text, room: 20, nullable: true, definition: "text"},
		{name: d.Columns.RemoteID, typeClass: text, room: 20, definition: "text"},
		{name: d.Columns.SyncedAt, typeClass: moment, definition: "timestamptz"},
		{name: d.Columns.Tries, typeClass: number, definition: "int DEFAULT 0"},
		{name: d.Columns.DueAt, typeClass: moment, nullable: true, definition: "timestamptz"},
		{name: d.Columns.TriedAt, typeClass: moment, definition: "timestamptz"},
		{name: d.Columns.QueuedAt, typeClass: instant, nullable: true, definition: "timestamptz", later: "now()"},
	}
	for i := range list {
		list[i].ours, list[i].destination = true, d.Name
	}
	return list
}

// declaredColumns are all that the table is to have, in the order that a new one has.
func (f found) declaredColumns() ([]columnSpec, error) {
	list, last := f.options.sentColumns(), sharedColumns()
	destinations, err := f.destinations()
	for _, d := range destinations {
		list = append(list, columnsOf(d)...)
	}
	return append(list, last...), err
}

// missing lists the columns that the table lacks.
func (f found) missing() ([]columnSpec, error) {
	list, err := f.declaredColumns()
	return slices.DeleteFunc(list, func(w columnSpec) bool {
		return f.table != nil && f.table.column(f.table.statement().Column(w.name)) != nil
	}), err
}

// lacks says whether the table lacks a column of a destination; "" are those that all
// share.
func lacks(missing []columnSpec, destination string) bool {
	return slices.ContainsFunc(missing, func(w columnSpec) bool { return w.destination == destination })
}

// upColumns creates the table, or adds the columns that it lacks, at once: each ALTER
// TABLE keeps writers out for a moment.
func (m *migrator) upColumns(ctx context.Context) (done []string, err error) {
	contacts, err := m.contactsRecord(ctx)
	if err != nil {
		return nil, err
	}
	parts := []record{contacts}
	destinations, err := m.found.destinations()
	if err != nil {
		return nil, err
	}
	for _, d := range destinations {
		info, err := json.Marshal(d)
		if err != nil {
			return nil, fmt.Errorf("write destination %s: %w", d.Name, err)
		}
		parts = append(parts, record{Kind: kindDestination, Name: d.Name, Detail: string(info), Destination: d.Name})
	}
	missing, err := m.found.missing()
	if err != nil {
		return nil, err
	}
	var records []record
	for _, part := range parts {
		before := m.found.recorded(part.Kind, part.Name)
		if lacks(missing, part.Destination) || before.Kind == "" {
			done = append(done, columnsStep(part.Destination))
		}
		if before.Kind == "" || before.Detail != part.Detail {
			records = append(records, part)
		}
	}
	if len(records) == 0 && len(missing) == 0 {
		return nil, nil
	}
	err = m.withLockTimeout(ctx, func(tx pgx.Tx) error { return m.addColumns(ctx, tx, contacts.Name, missing, records) })
	if err != nil {
		return nil, err
	}
	return done, nil
}

// contactsRecord is how the table is recorded: as it was at the first time.
func (m *migrator) contactsRecord(ctx context.Context) (record, error) {
	if r := m.found.contacts(); r.Kind != "" {
		return r, nil
	}
	if m.found.table != nil {
		m.advise(ctx)
		return record{Kind: kindContacts, Name: m.found.table.Ident, Detail: "found"}, nil
	}
	var home string
	err := m.work.QueryRow(ctx, catalogSQL.Text("home")).Scan(&home)
	return record{Kind: kindContacts, Name: home + "." + m.options.table(), Detail: created}, err
}

// addColumns creates the table, or alters it once, and records what was added.
func (m *migrator) addColumns(ctx context.Context, tx pgx.Tx, name string, missing []columnSpec, records []record) error {
	var list, defaults []string
	var again []record // to be done once more
	for _, w := range missing {
		column := statement.Table{Columns: m.options.Columns}.Column(w.name)
		definition := w.definition
		list = append(list, statement.Quote(column)+" "+w.definition)
		if w.later != "" {
			definition += " DEFAULT " + w.later
			defaults = append(defaults, fmt.Sprintf("ALTER COLUMN %s SET DEFAULT %s", statement.Quote(column), w.later))
			again = append(again, record{Kind: kindOrder, Name: w.destination})
		}
		records = append(records, record{Kind: kindColumn, Name: column, Detail: definition, Destination: w.destination})
	}
	var text []string
	switch {
	case m.found.table == nil:
		text = append(text, fmt.Sprintf("CREATE TABLE %s (%s)", name, strings.Join(list, ", ")))
	case len(list) > 0:
		text = append(text, fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s", name, strings.Join(list, ", ADD COLUMN ")))
	}
	if len(defaults) > 0 {
		text = append(text, fmt.Sprintf("ALTER TABLE %s %s", name, strings.Join(defaults, ", ")))
	}
	for _, sql := range text {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return err
		}
	}
	if err := forget(ctx, tx, again...); err != nil {
		return err
	}
	return add(ctx, tx, records...)
}
