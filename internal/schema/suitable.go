package schema

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/scrapersky/contactsync/internal/statement"
)

// labels are what contactsync writes into the columns of a status.
var labels = []string{"Queued", "Processing", "Complete", "Error"}

// problem is what only a person may change, and how. What has several remedies is
// said once.
type problem struct{ what, remedy string }

type problems []problem

// err has each problem and each remedy once: one type may serve two columns.
func (list problems) err() error {
	var bad UnsuitableError
	for _, p := range list {
		if !slices.Contains(bad.Remedies, p.remedy) {
			bad.Remedies = append(bad.Remedies, p.remedy)
			if p.what != "" {
				bad.Problems = append(bad.Problems, p.what)
			}
		}
	}
	return &bad
}

// advise says what is slow or surprising, the first time that a table is seen.
func (m *migrator) advise(ctx context.Context) {
	t := m.found.table
	if id := t.column(t.statement().Column("id")); id != nil && !id.Indexed {
		m.log.WarnContext(ctx, "no index begins with the column: every claim reads the whole table", "table", t.Ident, "column", id.Name)
	}
	if others, err := m.namesakes(ctx); err == nil && len(others) > 1 {
		m.log.WarnContext(ctx, "there are several tables of this name; this one is migrated", "table", t.Ident, "all", others)
	}
	for _, d := range m.options.Destinations {
		if c := t.column(d.Columns.RemoteID); c != nil && c.Unique {
			m.log.WarnContext(ctx, "the column is unique, but several contacts of one email become one there: only the first of them can be settled", "table", t.Ident, "column", c.Name)
		}
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
				fmt.Sprintf("correct CONTACTS_COLUMNS, or: ALTER TABLE %s ADD COLUMN %s %s;", t.Ident, statement.Name(name), w.definition),
			})
		case w.typeClass == key:
			bad = append(bad, problem{
				fmt.Sprintf("%s has no column %s", t.Ident, name),
				fmt.Sprintf("name the one that it has with CONTACTS_COLUMNS=%s:%s, or: ALTER TABLE %s ADD COLUMN %s uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE;", name, t.keyName(), t.Ident, name),
			})
		}
	}
	return bad
}

// keyName is a column by which rows are found: that there could be meant.
func (t *table) keyName() string {
	for _, c := range t.columns {
		if c.Unique && c.NotNull {
			return c.Name
		}
	}
	return "…"
}

func (c column) unfit(table string, w columnSpec) (bad problems) {
	name := statement.Name(c.Name)
	alter := fmt.Sprintf("ALTER TABLE %s ALTER COLUMN %s ", table, name)
	if !c.is(w.typeClass) {
		remedy := fmt.Sprintf("ALTER TABLE %s RENAME COLUMN %s TO %s; -- contactsync then adds its own", table, name, statement.Name(c.Name+"_old"))
		if w.typeClass != instant { // which the app cannot mean to write
			remedy = "change its type, or: " + remedy
		}
		return problems{{fmt.Sprintf("column %s of %s is %s; it must be %s", name, table, c.Declared, w.typeClass), remedy}}
	}
	if w.typeClass == status && len(c.Labels) > 0 {
		bad = append(bad, c.unlabelled(name)...)
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

// unlabelled lists the labels that an enum lacks. One that has them in another spelling is
// an app's that writes that: to add ours beside them would help nobody, and break an app
// that does not know them.
func (c column) unlabelled(name string) (bad problems) {
	var others, renames []string
	for _, label := range labels {
		if slices.Contains(c.Labels, label) {
			continue
		}
		if i := slices.IndexFunc(c.Labels, func(l string) bool { return strings.EqualFold(l, label) }); i >= 0 {
			others = append(others, c.Labels[i])
			renames = append(renames, fmt.Sprintf("ALTER TYPE %s RENAME VALUE '%s' TO '%s';", c.Base, c.Labels[i], label))
			continue
		}
		bad = append(bad, problem{
			fmt.Sprintf("type %s of column %s cannot hold '%s'", c.Base, name, label),
			fmt.Sprintf("ALTER TYPE %s ADD VALUE '%s';", c.Base, label),
		})
	}
	if len(others) == 0 {
		return bad
	}
	list := problems{{otherWords(fmt.Sprintf("type %s of column %s", c.Base, name), others), writeOurs}}
	for _, sql := range renames {
		list = append(list, problem{"", sql})
	}
	return append(list, bad...)
}

// otherWords says that an app has words of its own.
func otherWords(where string, words []string) string {
	return fmt.Sprintf("%s has '%s': the app writes other words than contactsync reads and writes, which are '%s'",
		where, strings.Join(words, "', '"), strings.Join(labels, "', '"))
}

// writeOurs is what an app has to change.
const writeOurs = "make the app write 'New', 'Selected', 'Queued', 'Processing', 'Complete', 'Error', 'Skipped' " +
	"(SQLAlchemy stores the names of an Enum unless it has values_callable=lambda e: [m.value for m in e]), and together with that release:"

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
