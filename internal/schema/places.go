package schema

import (
	"context"
	"fmt"
	"slices"

	"github.com/scrapersky/contactsync/internal/statement"
)

// A column that is gone may have been dropped or renamed, which is not the same: what
// is in the queue stands in the renamed one, and a new one would begin empty. So Up
// notes where each column stands in the table, because a renamed one keeps its place.

// place is the detail of a column's record. With the table's own number it means
// nothing in a copy of the database, where columns may stand elsewhere.
func (t *table) place(c column) string { return fmt.Sprintf("%d/%d", t.OID, c.Place) }

// upPlaces notes where the columns stand. It is nothing that a person could wait for, so
// it names no step.
func (m *migrator) upPlaces(ctx context.Context) ([]string, error) {
	wanted, err := m.found.declaredColumns()
	if err != nil {
		return nil, err
	}
	var list []record
	for _, w := range wanted {
		name := m.found.table.statement().Column(w.name)
		c := m.found.table.column(name)
		if c == nil {
			continue
		}
		r := record{Kind: kindPlace, Name: name, Detail: m.found.table.place(*c), Destination: w.destination}
		if m.found.recorded(r.Kind, r.Name).Detail != r.Detail {
			list = append(list, r)
		}
	}
	return nil, add(ctx, m.work, list...)
}

// renamed lists the columns that have another name now. Whether the app wants it back is
// for a person to say.
func (f found) renamed() (list problems, err error) {
	missing, err := f.missing()
	if err != nil || f.table == nil {
		return nil, err
	}
	for _, w := range missing {
		name := f.table.statement().Column(w.name)
		was := f.recorded(kindPlace, name).Detail
		i := slices.IndexFunc(f.table.columns, func(c column) bool { return f.table.place(c) == was })
		if i < 0 {
			continue
		}
		now := statement.Name(f.table.columns[i].Name)
		remedy := fmt.Sprintf("ALTER TABLE %s RENAME COLUMN %s TO %s;", f.table.Ident, now, statement.Name(name))
		if slices.Contains(statement.Mappable(), w.name) {
			remedy += fmt.Sprintf(" or add %s:%s to CONTACTS_COLUMNS;", w.name, f.table.columns[i].Name)
		}
		list = append(list, problem{
			fmt.Sprintf("column %s of %s is now called %s", statement.Name(name), f.table.Ident, now),
			remedy + fmt.Sprintf(" or, if another is meant, ALTER TABLE %s ADD COLUMN %s …; then `contactsync migrate up`", f.table.Ident, statement.Name(name)),
		})
	}
	return list, nil
}
