// Package columns reads extra columns of the app's table: those that the settings map
// to properties, whatever the app has called them and whatever type it gave
// them. It exists because SQL that names them can be written only when they are
// known. Their values leave the database as the texts that are sent, so that
// nothing else has to know PostgreSQL's types.
package columns

import (
	"context"
	_ "embed" // the statement
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/statement"
)

// Column is an extra column that can be sent.
type Column struct {
	Name string
	Kind contact.Kind

	text string // SQL for its value as a text, NULL where there is nothing to send; %s is the value
	list bool   // the text is that of one element
}

// List is the extra columns in the order of the settings.
type List []Column

// Error says which columns cannot be sent.
type Error struct {
	Problems []string // one for each column
}

// Error lists every problem.
func (e *Error) Error() string { return strings.Join(e.Problems, "; ") }

//go:embed columns.sql
var columnsSQL string

// querier is a connection or a pool of them.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Find looks columns of the app's table up. The error is an *Error where one of them
// does not exist, cannot be sent, or may not be read.
func Find(ctx context.Context, db querier, table statement.Table, names []string) (List, error) {
	if len(names) == 0 {
		return nil, nil
	}
	rows, err := db.Query(ctx, columnsSQL, names, table.Name)
	if err != nil {
		return nil, fmt.Errorf("look for columns of %s: %w", table.Name, err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[described])
	if err != nil {
		return nil, fmt.Errorf("look for columns of %s: %w", table.Name, err)
	}
	var list List
	var bad Error
	for _, d := range found {
		column, problem := d.column(table.Name)
		if problem != "" {
			bad.Problems = append(bad.Problems, problem)
		}
		list = append(list, column)
	}
	if len(bad.Problems) > 0 {
		return nil, &bad
	}
	return list, nil
}

// described is a row of columns.sql.
type described struct {
	Name     string
	Found    bool
	Declared string
	Readable bool
	Base     string
	Textual  bool
	Listed   bool
}

// The times that ISO 8601 has no four digits for count as NULL, as infinity does.
const day, moment = `CASE WHEN %[1]s >= '0001-01-01' THEN to_char(%[1]s::timestamp, 'YYYY-MM-DD') END`,
	`CASE WHEN %[1]s >= '0001-01-01' THEN to_char(%[1]s::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') END`

// bases are the types that can be sent, beside texts and enums.
var bases = map[string]Column{
	"boolean":                     {Kind: contact.KindBool, text: "%s::text"},
	"uuid":                        {Kind: contact.KindUUID, text: "%s::text"},
	"smallint":                    {Kind: contact.KindNumber, text: "%s::text"},
	"integer":                     {Kind: contact.KindNumber, text: "%s::text"},
	"bigint":                      {Kind: contact.KindNumber, text: "%s::text"},
	"numeric":                     {Kind: contact.KindNumber, text: number},
	"real":                        {Kind: contact.KindNumber, text: number},
	"double precision":            {Kind: contact.KindNumber, text: number},
	"date":                        {Kind: contact.KindDay, text: day},
	"timestamp without time zone": {Kind: contact.KindTime, text: strings.ReplaceAll(moment, "::timestamptz AT TIME ZONE 'UTC'", "::timestamp")},
	"timestamp with time zone":    {Kind: contact.KindTime, text: moment},
}

// number writes a number without an exponent; NaN and infinity count as NULL.
const number = `substring(%s::text::numeric::text FROM '^[-0-9.]+$')`

func (d described) column(table string) (c Column, problem string) {
	c, known := bases[d.Base]
	if !known && d.Textual {
		c, known = Column{Kind: contact.KindText, text: "%s::text"}, true
	}
	c.Name = d.Name
	switch {
	case !d.Found:
		return c, fmt.Sprintf("%s has no column %q", table, d.Name)
	case !known:
		return c, fmt.Sprintf("column %q is of type %s, which cannot be sent: "+
			"only text, numbers, booleans, dates, timestamps, uuids, enums and arrays of these can", d.Name, d.Declared)
	case !d.Readable:
		return c, fmt.Sprintf("this role may not read column %q: as the owner of %[2]s run `contactsync migrate grant ROLE` "+
			"with the same settings, or GRANT SELECT (%[3]s) ON %[2]s TO ROLE", d.Name, table, identifier(d.Name))
	}
	if d.Listed {
		c.Kind, c.list = contact.KindList, true
	}
	return c, ""
}

func identifier(name string) string { return pgx.Identifier{name}.Sanitize() }

// value returns SQL for the column's value of a row named c, as a text.
func (c Column) value() string {
	column := "c." + identifier(c.Name)
	if !c.list {
		return fmt.Sprintf("coalesce("+c.text+", '')", column)
	}
	// A ; within an element would make two of it.
	element := fmt.Sprintf("replace(nullif(btrim("+c.text+"), ''), ';', ',')", "e.v")
	return "coalesce((SELECT string_agg(" + element + ", ';' ORDER BY e.place) FROM unnest(" + column + ") WITH ORDINALITY AS e (v, place)), '')"
}

// Pieces returns what statements have in their places {{extra_values}}, the values in
// a list of texts, and {{extra_columns}}, the columns themselves after others. A row of
// the table is named c there.
func (l List) Pieces() map[string]string {
	values := make([]string, len(l))
	var names strings.Builder
	for i, column := range l {
		values[i] = column.value()
		names.WriteString(", c." + identifier(column.Name))
	}
	return map[string]string{"extra_values": strings.Join(values, ",\n       "), "extra_columns": names.String()}
}

// In puts the columns into a statement.
func (l List) In(sql string) string { return statement.Fill(sql, l.Pieces()) }
