package statement

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/destination"
)

// Table is the app's table of contacts as this database has it.
type Table struct {
	// Name is the table as SQL, quoted where it must be: contacts, app.people.
	Name string
	// ID is the type of its key as SQL, without a domain and a length: uuid, bigint, text.
	ID string
	// Operators is the schema, quoted where it must be, whose operators compare ids; "" is
	// Postgres's own. It is another for a type that an extension brought.
	Operators string
	// Columns are the app's names for columns of the contract that it calls otherwise,
	// unquoted: email → mail.
	Columns map[string]string
}

// Contacts is the table that the SQL files are written for.
func Contacts() Table { return Table{Name: "contacts", ID: "uuid"} }

func (t Table) operators() string {
	if t.Operators == "" {
		return "pg_catalog"
	}
	return t.Operators
}

// Column returns the app's name for a column of the contract, unquoted.
func (t Table) Column(name string) string {
	if theirs, ok := t.Columns[name]; ok {
		return theirs
	}
	return name
}

// Ident returns the app's name for a column of the contract as SQL.
func (t Table) Ident(name string) string {
	if theirs, ok := t.Columns[name]; ok && theirs != name {
		return Quote(theirs)
	}
	return name
}

// Mappable returns the columns of the contract that are the app's: it may call them
// otherwise.
func Mappable() []string { return slices.Sorted(maps.Keys(appColumns())) }

func appColumns() map[string]bool {
	all := maps.Clone(qualified)
	maps.Copy(all, distinct)
	return all
}

// plain identifiers need no quotes. Keywords do, so a name that came from the app is
// quoted unless it is the contract's own.
var plain = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)

// Quote returns an identifier as SQL.
func Quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// Target is what statements are rendered for.
type Target struct {
	Table       Table
	Destination destination.Info
	written     destination.Info // that SQL is written for
}

// For returns the target of a destination on a table. The SQL files are written for
// another one, HubSpot.
func For(table Table, d, written destination.Info) Target {
	return Target{Table: table, Destination: d, written: written}
}

// qualified are the columns of the app whose names are too common to be replaced
// wherever they stand: only behind c, NEW and OLD, which always mean the table.
var qualified = map[string]bool{"id": true, "email": true, "name": true}

// distinct are the app's other columns. They are replaced wherever they stand.
var distinct = map[string]bool{"phone_number": true, "domain_id": true, "page_id": true, "created_at": true, "updated_at": true}

// identifier returns what an identifier becomes. qualifier is what stands before it
// and a dot, "" for nothing.
func (t Target) identifier(qualifier, word string) string {
	name := strings.ToLower(word)
	switch {
	case name == "contacts" && qualifier == "":
		return t.Table.Name
	case name == "uuid" && qualifier == "":
		return t.Table.ID
	case qualified[name]:
		if !isTable(qualifier) {
			return word
		}
		return t.column(name, word)
	case distinct[name]:
		return t.column(name, word)
	}
	for i, written := range t.written.Columns.List() {
		if name == written {
			return Name(t.Destination.Columns.List()[i])
		}
	}
	return t.own(name, word)
}

// isTable says whether what stands before a column means the table.
func isTable(qualifier string) bool {
	q := strings.ToLower(qualifier)
	return q == "c" || q == "new" || q == "old"
}

// indexes is what the names of the indexes on contacts begin with.
const indexes = "contacts_contactsync_"

// own returns the name of a thing of which each destination has one: a function
// hubspot_queue_state, an index contacts_contactsync_queued, the trigger below.
func (t Target) own(name, word string) string {
	if t.Destination.Name == t.written.Name {
		return word
	}
	if rest, ok := strings.CutPrefix(name, t.written.Name+"_"); ok {
		return Name(t.Destination.Name + "_" + rest)
	}
	if rest, ok := strings.CutPrefix(name, indexes); ok {
		return Name(indexes + t.Destination.Name + "_" + rest)
	}
	if name == "zz_contactsync_requeue_named" {
		return Name(name + "_" + t.Destination.Name)
	}
	return word
}

func (t Target) column(name, word string) string {
	if theirs := t.Table.Ident(name); theirs != name {
		return theirs
	}
	return word
}

// Name returns an identifier as people would write it: quoted unless it is plain.
func Name(name string) string {
	if plain.MatchString(name) {
		return name
	}
	return Quote(name)
}
