package schema

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/scrapersky/contactsync/internal/statement"
)

// labels are what contactsync writes into the columns of a status.
var labels = []string{"Queued", "Processing", "Complete", "Error"}

// problem is what only a person may change, and how.
type problem struct{ what, remedy string }

type problems []problem

// err has each problem and each remedy once: one type may serve two columns.
func (list problems) err() error {
	var bad UnsuitableError
	for _, p := range list {
		if !slices.Contains(bad.Remedies, p.remedy) {
			bad.Problems = append(bad.Problems, p.what)
			bad.Remedies = append(bad.Remedies, p.remedy)
		}
	}
	return &bad
}

// suitable refuses a table that cannot be used before anything is touched.
func (m *migrator) suitable(ctx context.Context) error {
	if err := m.look(ctx); err != nil {
		return err
	}
	if err := m.found.sameTable(); err != nil {
		return err
	}
	if list, err := m.found.destinations(); err != nil || len(list) == 0 {
		return errors.Join(errors.New("no destination is configured to migrate for"), err)
	}
	if m.found.table == nil {
		return m.creatable(ctx)
	}
	wanted, err := m.found.declaredColumns()
	if err != nil {
		return err
	}
	renamed, err := m.found.renamed()
	if err != nil {
		return err
	}
	if list := append(m.found.table.unfit(wanted...), renamed...); list != nil {
		return list.err()
	}
	return nil
}

// creatable refuses to create a table that somebody has named: it should be there.
func (m *migrator) creatable(ctx context.Context) error {
	if m.options.table() != statement.Contacts().Name {
		return noTable(ctx, m.work, m.options)
	}
	var home string
	if err := m.work.QueryRow(ctx, catalogSQL.Text("home")).Scan(&home); err != nil || home != "" {
		return err
	}
	return &UnsuitableError{
		Problems: []string{"there is no table contacts, and search_path names no schema to create it in"},
		Remedies: []string{"add ?search_path=<schema> to the database URL"},
	}
}

// advise says what is slow or surprising, the first time that a table is seen.
func (m *migrator) advise(ctx context.Context) {
	t := m.found.table
	if id := t.column(t.statement().Column("id")); id != nil && !id.Indexed {
		m.log.WarnContext(ctx, "no index begins with the column: every claim reads the whole table", "table", t.Ident, "column", id.Name)
	}
	for _, d := range m.options.Destinations {
		if c := t.column(d.Columns.QueuedAt); c != nil && !c.Filled {
			m.log.WarnContext(ctx, "the column has no default: contacts that are inserted as Queued come before all others", "table", t.Ident, "column", c.Name)
		}
	}
}

// unfit lists what keeps the table from being used for these columns. One that is not
// there is no problem: it is added, unless the settings say that the app has it.
func (t *table) unfit(list ...columnSpec) (bad problems) {
	for _, w := range list {
		name := t.statement().Column(w.name)
		c := t.column(name)
		switch {
		case c != nil:
			bad = append(bad, c.unfit(t.Ident, w)...)
		case name != w.name:
			bad = append(bad, problem{
				fmt.Sprintf("%s has no column %s, which CONTACTS_COLUMNS names for %s", t.Ident, statement.Name(name), w.name),
				fmt.Sprintf("correct CONTACTS_COLUMNS, or ALTER TABLE %s ADD COLUMN %s …;", t.Ident, statement.Name(name)),
			})
		case w.typeClass == key:
			bad = append(bad, problem{
				fmt.Sprintf("%s has no column %s", t.Ident, name),
				fmt.Sprintf("name the one that it has with CONTACTS_COLUMNS=%s:…, or ALTER TABLE %s ADD COLUMN %s uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE;", name, t.Ident, name),
			})
		}
	}
	return bad
}

func (c column) unfit(table string, w columnSpec) (bad problems) {
	name := statement.Name(c.Name)
	alter := fmt.Sprintf("ALTER TABLE %s ALTER COLUMN %s ", table, name)
	if !c.is(w.typeClass) {
		remedy := fmt.Sprintf("change the type of %s.%s, or rename the column: contactsync then adds its own", table, name)
		if w.typeClass == instant {
			remedy = fmt.Sprintf("ALTER TABLE %s RENAME COLUMN %s TO …; contactsync then adds its own", table, name)
		}
		return problems{{fmt.Sprintf("column %s of %s is %s; it must be %s", name, table, c.Declared, w.typeClass), remedy}}
	}
	if w.typeClass == status && len(c.Labels) > 0 {
		for _, label := range labels {
			if !slices.Contains(c.Labels, label) {
				bad = append(bad, problem{
					fmt.Sprintf("type %s of column %s cannot hold '%s'", c.Base, name, label),
					fmt.Sprintf("ALTER TYPE %s ADD VALUE '%s';", c.Base, label),
				})
			}
		}
	}
	if w.room > 0 && (c.Base == "bpchar" || c.Room > 0 && c.Room < w.room) {
		bad = append(bad, problem{
			fmt.Sprintf("column %s is %s; contactsync needs %d characters in it", name, c.Declared, w.room), alter + "TYPE text;",
		})
	}
	if w.nullable && c.NotNull {
		bad = append(bad, problem{fmt.Sprintf("column %s is NOT NULL; contactsync clears it", name), alter + "DROP NOT NULL;"})
	}
	if w.ours && c.Generated {
		bad = append(bad, problem{fmt.Sprintf("column %s is GENERATED; contactsync writes it", name), alter + "DROP EXPRESSION;"})
	}
	return bad
}

// is says whether the column's type is of a typeClass.
func (c column) is(f typeClass) bool {
	switch f {
	case key:
		return c.Indexable
	case status:
		return len(c.Labels) > 0 || c.Category == "S"
	case text:
		return c.Category == "S"
	case number:
		return c.Category == "N"
	case moment:
		return strings.HasPrefix(c.Base, "timestamp ")
	case instant:
		return c.Base == "timestamp with time zone"
	case anything:
	}
	return true
}
