// Package statement reads the SQL files of the other packages and renders them for
// the table and the destination at hand.
//
// SQL is written for a table contacts with a uuid id and for HubSpot's columns, so
// that it can be read, and tried in psql, as it stands. Render replaces whole
// identifiers. Of strings and comments it reads four, for DDL that can have no
// arguments: the string 'hubspot' alone is the destination's name, 'contacts'::regclass
// is the table for the catalog, a number before
// "/* doorbell */" or "/* slot 0 */" is the destination's lock, and "/* c. */" says that
// the word behind it is a column of the table. Everything else in strings and comments
// stays as it is. Functions of Postgres and the operators behind a column of the table are
// written without a schema and get it. A statement has what depends on the destination as
// an argument.
package statement

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Statement is one statement that is ready to be prepared.
type Statement struct {
	SQL   string   // with $1, $2, …
	names []string // of the arguments, in that order
}

// Args returns the values in the order of the statement's arguments. A value that is
// missing, or one too many, is a programming error and panics.
func (s Statement) Args(values pgx.NamedArgs) []any {
	args := make([]any, len(s.names))
	for i, name := range s.names {
		value, ok := values[name]
		if !ok {
			panic(fmt.Sprintf("statement: no value for @%s", name))
		}
		args[i] = value
	}
	if len(values) != len(s.names) {
		panic(fmt.Sprintf("statement: values %v for arguments %v", slices.Sorted(maps.Keys(values)), s.names))
	}
	return args
}

// Names returns the names of the arguments, the first one that of $1.
func (s Statement) Names() []string { return slices.Clone(s.names) }

// Set is the statements of a file by their names.
type Set map[string]string

// Parse cuts a file into its sections. Each begins with a line "-- name: x"; what
// stands before the first one is a comment on the file. A name that is there twice is
// a programming error and panics.
func Parse(file string) Set {
	set := Set{}
	for i, section := range strings.Split("\n"+file, "\n-- name: ") {
		if i == 0 {
			continue
		}
		name, text, _ := strings.Cut(section, "\n")
		name = strings.TrimSpace(name)
		if _, twice := set[name]; twice {
			panic("statement: two sections are named " + name)
		}
		set[name] = strings.TrimSpace(text)
	}
	return set
}

// Render renders the statement of that name. One that does not exist is a programming
// error and panics.
func (s Set) Render(t Target, name string) Statement {
	return t.Statement(s.Text(name))
}

// Text returns the statement of that name as it is written, for one that names
// neither the table nor a column of it. One that does not exist is a programming error
// and panics.
func (s Set) Text(name string) string {
	text, ok := s[name]
	if !ok {
		panic("statement: no section is named " + name)
	}
	return text
}

// All renders every statement.
func (s Set) All(t Target) Statements {
	all := make(Statements, len(s))
	for name, text := range s {
		all[name] = t.Statement(text)
	}
	return all
}
