package schema

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/statement"
)

// A constraint that does not let contactsync's values through is found out without
// writing a row, which would fire the app's triggers: its condition is evaluated, in a
// transaction that cannot write, on the values that contactsync writes, beside the app's own
// values of rows that are there.

const (
	// trialRows is on how many rows a condition is tried that has the app's columns in it.
	trialRows = 1000
	// trialLimit bounds a trial: a condition may call whatever an app has written.
	trialLimit = 10 * time.Second
)

// written is what contactsync writes into a row at once: SQL literals by column.
type written map[string]string

// everything are the rows as contactsync leaves them, for a destination.
func everything(t *table, d destination.Info) []written {
	c := d.Columns
	row := func(status string, more written) written {
		w := written{
			c.Status: quoted(status), c.Mirror: quoted(status), c.Error: "NULL", c.Code: "NULL", c.Tries: "0", c.DueAt: "NULL",
			c.QueuedAt: "now()", c.RemoteID: quoted("12345678901"), c.SyncedAt: "now()", c.TriedAt: "now()",
			"last_failed_crm": quoted(d.Name), t.statement().Column("updated_at"): "now()",
		}
		maps.Copy(w, more)
		return w
	}
	failed := written{c.Error: quoted(strings.Repeat("x", 500)), c.Code: quoted("PROPERTY_MISSING"), c.Tries: "3"}
	return []written{
		row("Queued", nil),
		row("Processing", nil),
		row("Complete", nil),
		row("Queued", written{c.Error: failed[c.Error], c.Code: failed[c.Code], c.Tries: "1", c.DueAt: "now() + interval '5 min'"}),
		row("Error", failed),
	}
}

func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// The conditions that are no constraints.
const (
	conditionGenerated  = "generated"           // that a generated column is not null
	conditionPartitions = "partitions_by_value" // that a partition takes the row
)

// condition is what a row must fulfil.
type condition struct {
	Name       string // quoted where it must be
	Table      string
	SQL        string
	Columns    []string
	Definition string

	kind string // the query that found it
}

// conditions are what the rows of the app's table must fulfil.
func (m *migrator) conditions(ctx context.Context) (all []condition, err error) {
	t := m.found.table
	for _, name := range []string{"checks", conditionGenerated, conditionPartitions} {
		rows, err := m.work.Query(ctx, preflightSQL.Text(name), t.OID)
		if err != nil {
			return nil, wrap("read the constraints of "+t.Ident, err)
		}
		list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c condition, err error) {
			c.kind = name
			return c, row.Scan(&c.Name, &c.Table, &c.SQL, &c.Columns, &c.Definition)
		})
		if err != nil {
			return nil, wrap("read the constraints of "+t.Ident, err)
		}
		all = append(all, list...)
	}
	return all, nil
}

// refused lists the constraints on contactsync's columns that refuse what it writes there.
func (m *migrator) refused(ctx context.Context) (bad problems, err error) {
	conditions, err := m.conditions(ctx)
	if err != nil {
		return nil, err
	}
	destinations, err := m.found.destinations()
	if err != nil {
		return nil, err
	}
	for _, d := range destinations {
		domains, err := m.refusedByDomains(ctx, d)
		if err != nil {
			return nil, err
		}
		lists, err := m.unlisted(ctx, d)
		if err != nil {
			return nil, err
		}
		bad = append(append(bad, domains...), lists...)
		if len(domains) > 0 { // whose values cannot even be tried
			continue
		}
		for _, c := range conditions {
			for _, w := range everything(m.found.table, d) {
				tried, refused, err := m.try(ctx, c, w, true)
				if err != nil {
					return nil, err
				}
				if tried > 0 && refused == tried {
					bad = append(bad, c.problem(w))
					break
				}
			}
		}
	}
	return bad, nil
}

// refusedRows finds the constraints that have the app's columns in them, too, and refuse
// what contactsync writes beside the values that stand there now.
func (m *migrator) refusedRows(ctx context.Context) (list []harm, err error) {
	if m.found.table == nil {
		return nil, nil
	}
	conditions, err := m.conditions(ctx)
	if err != nil {
		return nil, err
	}
	destinations, err := m.found.destinations()
	if err != nil {
		return nil, err
	}
	for _, d := range destinations {
		for _, c := range conditions {
			for _, w := range everything(m.found.table, d) {
				tried, refused, err := m.try(ctx, c, w, false)
				if err != nil {
					return nil, err
				}
				if refused == 0 {
					continue
				}
				if refused == tried {
					p := c.problem(w)
					list = append(list, harm{p.what, []string{p.remedy}})
				} else {
					m.log.WarnContext(ctx, "a constraint refuses what contactsync writes into some contacts, which then cannot be synced",
						"table", c.Table, "constraint", c.Name, "values", w.of(c.Columns), "tried", tried, "refused", refused, "definition", c.Definition)
				}
				break
			}
		}
	}
	return list, nil
}

// try counts on how many rows a condition was tried and how many of them it refuses. A
// condition is on contactsync's columns alone, or else it is none for this question.
func (m *migrator) try(ctx context.Context, c condition, w written, alone bool) (tried, refused int, err error) {
	sql, whole := m.trial(c, w)
	if sql == "" || whole != alone {
		return 0, 0, nil
	}
	err = m.readOnly(ctx, sql, &tried, &refused)
	if _, ok := errors.AsType[*pgconn.PgError](err); ok {
		m.log.WarnContext(ctx, "a constraint could not be tried on what contactsync writes", "table", c.Table, "constraint", c.Name, "error", err)
		return 0, 0, nil
	}
	return tried, refused, err
}

// trial is SQL that counts the rows that a condition was tried on and those that it
// refuses. Whole says that nothing but contactsync's values counts.
func (m *migrator) trial(c condition, w written) (sql string, whole bool) {
	t := m.found.table
	var list []string
	ours := 0
	for _, name := range c.Columns {
		as := statement.Quote(name)
		value, is := w[name]
		column := t.column(name)
		switch {
		case is && column != nil:
			ours++
			list = append(list, fmt.Sprintf("(%s)::%s AS %s", value, column.Declared, as))
		default:
			list = append(list, "c."+as)
		}
	}
	if ours == 0 {
		return "", false
	}
	whole = ours == len(c.Columns)
	from := ""
	if !whole {
		from = fmt.Sprintf(" FROM %s c LIMIT %d", c.Table, trialRows)
	}
	return fmt.Sprintf("SELECT count(*)::int, (count(*) FILTER (WHERE (%s) IS FALSE))::int FROM (SELECT %s%s) AS contacts", c.SQL, strings.Join(list, ", "), from), whole
}

// readOnly reads one row in a transaction that cannot write.
func (m *migrator) readOnly(ctx context.Context, sql string, into ...any) error {
	begin := fmt.Sprintf("BEGIN READ ONLY; SET LOCAL statement_timeout = %d", trialLimit.Milliseconds())
	return pgx.BeginTxFunc(ctx, m.work, pgx.TxOptions{BeginQuery: begin}, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, sql).Scan(into...)
	})
}

// problem says which constraint refuses what, and what to do about it.
func (c condition) problem(w written) problem {
	switch c.kind {
	case conditionPartitions:
		_, name, _ := strings.Cut(c.Table, ".")
		return problem{
			fmt.Sprintf("no partition of %s (by %s) takes %s, which contactsync writes", c.Table, c.Definition, w.of(c.Columns)),
			fmt.Sprintf("CREATE TABLE %s PARTITION OF %s DEFAULT;", statement.Name(strings.Trim(name, `"`)+"_rest"), c.Table),
		}
	case conditionGenerated:
		return problem{
			fmt.Sprintf("column %s of %s is NOT NULL and GENERATED AS (%s), which is NULL where contactsync writes %s", c.Name, c.Table, c.Definition, w.of(c.Columns)),
			fmt.Sprintf("ALTER TABLE %s ALTER COLUMN %s DROP NOT NULL;", c.Table, c.Name),
		}
	}
	what := fmt.Sprintf("constraint %s of %s refuses %s, which contactsync writes: %s", c.Name, c.Table, w.of(c.Columns), c.Definition)
	if words := c.otherWords(); len(words) > 0 {
		what = fmt.Sprintf("%s; %s", what, otherWords("it", words))
	}
	return problem{
		what,
		fmt.Sprintf("ALTER TABLE %s DROP CONSTRAINT %s; -- then add it again so that it lets '%s' through", c.Table, c.Name, strings.Join(labels, "', '")),
	}
}

// otherWords are labels of ours that the definition has in another spelling.
func (c condition) otherWords() (words []string) {
	for _, label := range labels {
		text := strings.ToLower(c.Definition)
		at := strings.Index(text, "'"+strings.ToLower(label)+"'")
		if at >= 0 && !strings.Contains(c.Definition, "'"+label+"'") {
			words = append(words, c.Definition[at+1:at+1+len(label)])
		}
	}
	return words
}

// of lists the values of these columns, for people.
func (w written) of(columns []string) string {
	var list []string
	for _, name := range columns {
		if value, ok := w[name]; ok {
			if len(value) > 40 {
				value = fmt.Sprintf("%d characters", len(value)-2)
			}
			list = append(list, fmt.Sprintf("%s = %s", statement.Name(name), value))
		}
	}
	return strings.Join(list, ", ")
}

// refusedByDomains lists the domains of our columns that refuse what is written there.
func (m *migrator) refusedByDomains(ctx context.Context, d destination.Info) (bad problems, err error) {
	t := m.found.table
	for _, column := range t.columns {
		if !column.Domain {
			continue
		}
		for _, w := range everything(t, d) {
			value, is := w[column.Name]
			if !is {
				continue
			}
			var tried bool
			err := m.readOnly(ctx, fmt.Sprintf("SELECT (%s)::%s IS NOT DISTINCT FROM NULL", value, column.Declared), &tried)
			refusal, refused := errors.AsType[*pgconn.PgError](err)
			if err != nil && !refused {
				return nil, err
			}
			if err == nil {
				continue
			}
			remedy := fmt.Sprintf("ALTER DOMAIN %s DROP NOT NULL;", column.Declared)
			if refusal.ConstraintName != "" {
				remedy = fmt.Sprintf("ALTER DOMAIN %s DROP CONSTRAINT %s; -- then add it again so that it lets what contactsync writes through",
					column.Declared, statement.Name(refusal.ConstraintName))
			}
			bad = append(bad, problem{
				fmt.Sprintf("domain %s of column %s refuses %s, which contactsync writes: %s", column.Declared, statement.Name(column.Name), w.of([]string{column.Name}), refusal.Message),
				remedy,
			})
			break
		}
	}
	return bad, nil
}

// unlisted lists the tables of allowed values, to which a foreign key leads, that lack
// what contactsync writes.
func (m *migrator) unlisted(ctx context.Context, d destination.Info) (bad problems, err error) {
	t := m.found.table
	rows, err := m.work.Query(ctx, preflightSQL.Text("lists"), t.OID)
	if err != nil {
		return nil, wrap("read the foreign keys of "+t.Ident, err)
	}
	type list struct{ Name, Column, Table, Key string }
	keys, err := pgx.CollectRows(rows, pgx.RowToStructByPos[list])
	if err != nil {
		return nil, wrap("read the foreign keys of "+t.Ident, err)
	}
	for _, k := range keys {
		var values []string
		for _, w := range everything(t, d) {
			if value, is := w[k.Column]; is && value != "NULL" && strings.HasPrefix(value, "'") && !slices.Contains(values, value) {
				values = append(values, value)
			}
		}
		for _, value := range values {
			var there bool
			err := m.readOnly(ctx, fmt.Sprintf("SELECT EXISTS (SELECT FROM %s WHERE %s::text = %s)", k.Table, k.Key, value), &there)
			if _, ok := errors.AsType[*pgconn.PgError](err); ok {
				m.log.WarnContext(ctx, "the values that a constraint allows could not be read", "table", k.Table, "constraint", k.Name, "error", err)
				break
			}
			if err != nil {
				return nil, fmt.Errorf("read the values that constraint %s allows: %w", k.Name, err)
			}
			if !there {
				bad = append(bad, problem{
					fmt.Sprintf("constraint %s lets column %s hold only what is in %s, where %s is missing", k.Name, statement.Name(k.Column), k.Table, value),
					fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s);", k.Table, k.Key, value),
				})
			}
		}
	}
	return bad, nil
}

// otherValues finds rows in whose status an app has written other words than ours.
func (m *migrator) otherValues(ctx context.Context) (list []harm, err error) {
	t := m.found.table
	if t == nil {
		return nil, nil
	}
	destinations, err := m.found.destinations()
	if err != nil {
		return nil, err
	}
	for _, d := range destinations {
		for _, name := range []string{d.Columns.Status, d.Columns.Mirror} {
			column := t.column(name)
			if column == nil || len(column.Labels) > 0 {
				continue
			}
			var words []string
			err := m.readOnly(ctx, fmt.Sprintf(`SELECT coalesce(array_agg(DISTINCT x.word ORDER BY x.word), '{}')
				FROM (SELECT %[1]s::text AS word FROM %[2]s WHERE %[1]s IS NOT NULL LIMIT 100000) AS x
				WHERE lower(x.word) = ANY (ARRAY['%[3]s']) AND x.word <> ALL (ARRAY['%[4]s'])`,
				statement.Quote(name), t.Ident, strings.ToLower(strings.Join(labels, "', '")), strings.Join(labels, "', '")), &words)
			if _, refused := errors.AsType[*pgconn.PgError](err); refused {
				continue // it took too long, say: it is a courtesy
			}
			if err != nil {
				return nil, err
			}
			if len(words) > 0 {
				list = append(list, harm{otherWords(fmt.Sprintf("column %s of %s", statement.Name(name), t.Ident), words), []string{writeOurs, spell(t.Ident, name)}})
			}
		}
	}
	return list, nil
}

// spell is the SQL that gives rows our words, where they have them in another spelling:
// the app's other words are its own.
func spell(table, name string) string {
	return fmt.Sprintf("UPDATE %[1]s SET %[2]s = initcap(%[2]s::text) WHERE lower(%[2]s::text) IN ('%[3]s') AND %[2]s::text <> initcap(%[2]s::text);",
		table, statement.Quote(name), strings.ToLower(strings.Join(labels, "', '")))
}
