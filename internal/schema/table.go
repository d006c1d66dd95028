package schema

import (
	"context"
	_ "embed" // the statements
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/scrapersky/contactsync/internal/statement"
)

var (
	//go:embed catalog.sql
	catalogFile string
	catalogSQL  = statement.Parse(catalogFile)
)

// querier is a connection, a transaction or a pool.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// execer is a connection or a transaction.
type execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// relation is a table, a partition, or something else that has the name of one.
type relation struct {
	OID    uint32
	Kind   string // r table, p partitioned table, f foreign table
	Schema string
	Ident  string // the name as SQL, with the schema, quoted where it must be
}

// table is the app's table as it was found.
type table struct {
	relation

	columns []column
	theirs  map[string]string // the app's names
}

// column is a column of it.
type column struct {
	Name      string
	Declared  string
	Base      string // the type without domains and a length
	Category  string // of the type, as in pg_type
	Room      int    // characters; 0 for any number
	NotNull   bool
	Generated bool
	Filled    bool     // it has a default
	Labels    []string // of an enum
	Indexable bool
	Indexed   bool // an index begins with it
	Type      string
	Operators string // the schema, quoted, of those that compare its values
	Place     int    // among the table's columns: it stays when the column is renamed
	Domain    bool   // its type is a domain
	Unique    bool   // by itself
}

// column returns the column of that name, as it is in the catalog; nil where there is none.
func (t *table) column(name string) *column {
	i := slices.IndexFunc(t.columns, func(c column) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return &t.columns[i]
}

// statement is the table as statements are rendered for.
func (t *table) statement() statement.Table {
	s := statement.Table{Name: t.Ident, ID: statement.Contacts().ID, Columns: t.theirs}
	if id := t.column(s.Column("id")); id != nil {
		s.ID, s.Operators = id.Base, id.Operators
	}
	return s
}

// FindTable finds the app's table as search_path leads to it. The error is an
// *UnsuitableError where there is none, or none that can be used.
func FindTable(ctx context.Context, db querier, o Options) (statement.Table, error) {
	t, err := findTable(ctx, db, o.table(), o)
	if err != nil {
		return statement.Table{}, err
	}
	if t == nil {
		return statement.Table{}, noTable(ctx, db, o)
	}
	if problems := t.unfit(o.key()); problems != nil {
		return statement.Table{}, problems.err()
	}
	return t.statement(), nil
}

// findTable returns nil where there is none.
func findTable(ctx context.Context, db querier, name string, o Options) (*table, error) {
	rows, err := db.Query(ctx, catalogSQL.Text("table"), name)
	if err != nil {
		return nil, wrap("look for the table "+name, err)
	}
	t := table{theirs: o.Columns}
	t.relation, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[relation])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // no table is no error here
	}
	if err != nil {
		return nil, wrap("look for the table "+name, err)
	}
	if t.Kind != "r" && t.Kind != "p" {
		kinds := map[string]string{"v": "a view", "m": "a materialized view", "f": "a foreign table"}
		kind, known := kinds[t.Kind]
		if !known {
			kind = "something else"
		}
		return nil, &UnsuitableError{
			Problems: []string{t.Ident + " is not a table but " + kind},
			Remedies: []string{"name the schema of the table itself first: add ?search_path=<schema> to the database URL, or set CONTACTS_TABLE"},
		}
	}
	rows, err = db.Query(ctx, catalogSQL.Text("columns"), t.OID)
	if err != nil {
		return nil, wrap("read the columns of "+t.Ident, err)
	}
	t.columns, err = pgx.CollectRows(rows, pgx.RowToStructByPos[column])
	return &t, wrap("read the columns of "+t.Ident, err)
}

// noTable says that there is no table, and which ones could be meant.
func noTable(ctx context.Context, db querier, o Options) error {
	name := o.table()
	bad := &UnsuitableError{
		Problems: []string{fmt.Sprintf("CONTACTS_TABLE=%s: there is no such table, or this role may not use its schema", name)},
		Remedies: []string{"create it first, or add ?search_path=<schema> to the database URL"},
	}
	rows, err := db.Query(ctx, catalogSQL.Text("namesakes"), lastPart(name))
	if err != nil {
		return wrap("look for the table "+name, err)
	}
	others, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return wrap("look for the table "+name, err)
	}
	for _, other := range others {
		bad.Remedies = append(bad.Remedies, fmt.Sprintf("or set CONTACTS_TABLE=%s", other))
	}
	return bad
}

// lastPart is the name of a table without its schema and quotes.
func lastPart(name string) string {
	if unquoted, ok := strings.CutSuffix(name, `"`); ok {
		if at := strings.LastIndex(strings.ReplaceAll(unquoted, `""`, "  "), `"`); at >= 0 {
			return strings.ReplaceAll(unquoted[at+1:], `""`, `"`)
		}
	}
	return name[strings.LastIndex(name, ".")+1:]
}
