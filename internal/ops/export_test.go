package ops

import (
	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/queue/columns"
	"github.com/scrapersky/contactsync/internal/statement"
)

// Statements returns every statement as a target has it.
func Statements(t statement.Target) map[string]statement.Statement {
	all := written()
	for name, text := range all { // the extra columns are put in with each use
		all[name] = columns.List(nil).In(text)
	}
	return all.All(t)
}

// Args are the values of the select statement for a page of it.
func (f Filter) Args(after string, most int) pgx.NamedArgs { return f.args(after, "", "", most) }
