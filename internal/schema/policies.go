package schema

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/rowsecurity"
	"github.com/scrapersky/contactsync/internal/statement"
)

// Hidden lists what row security hides from a role that is to do a worker's or a
// reader's job. Nothing is hidden from it where the list is empty.
func Hidden(ctx context.Context, url string, o Options, role string, rights Rights, log *slog.Logger) (list []rowsecurity.Hidden, err error) {
	defer func() { err = wrap("look for row security", err) }()
	m, err := open(ctx, url, o, log, standardPolicy())
	if err != nil {
		return nil, err
	}
	defer m.close(ctx)
	if err := m.migrated(ctx); err != nil {
		return nil, err
	}
	return rowsecurity.From(ctx, m.work, role, rights == Worker)
}

// AddPolicies creates the policies by which a role sees what row security hides from it,
// and returns the SQL that it ran. It changes what the role sees of the app's table, and
// so is never done unasked. What a restrictive policy hides it leaves to people.
func AddPolicies(ctx context.Context, url string, o Options, role string, rights Rights, log *slog.Logger) (ran []string, err error) {
	defer func() { err = wrap("add policies", err) }()
	m, err := open(ctx, url, o, log, standardPolicy())
	if err != nil {
		return nil, err
	}
	defer m.close(ctx)
	if err := m.migrated(ctx); err != nil {
		return nil, err
	}
	return ran, m.withLockTimeout(ctx, func(tx pgx.Tx) error {
		hidden, err := rowsecurity.From(ctx, tx, role, rights == Worker)
		if err != nil {
			return err
		}
		ran = nil
		for _, sql := range rowsecurity.Missing(hidden) {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return fmt.Errorf("%s %w", sql, err)
			}
			ran = append(ran, sql)
		}
		return nil
	})
}

// PoliciesText is the SQL that lets a role see every row of the app's table, and of
// contactsync's own ones where row security is on there, for people who run it themselves.
func PoliciesText(role string, rights Rights, o Options) string {
	return "-- Policies, for where row security is on.\n" +
		strings.Join(rowsecurity.Policies(role, o.table(), rights == Worker), "\n") + "\n"
}

// readable refuses records that row security hides: where they are, nothing was ever
// migrated as far as anybody can see.
func (f found) readable(ctx context.Context, db querier) error {
	if len(f.records) > 0 {
		return nil
	}
	var hidden bool
	var role string
	if err := db.QueryRow(ctx, catalogSQL.Text("records_hidden")).Scan(&hidden, &role); err != nil || !hidden {
		return wrap("look for row security", err)
	}
	rows, err := db.Query(ctx, catalogSQL.Text("own_secured"))
	if err != nil {
		return wrap("look for row security", err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return wrap("look for row security", err)
	}
	bad := UnsuitableError{Problems: []string{
		fmt.Sprintf("row security is on for contactsync's own tables and hides them from role %s", statement.Name(role)),
	}}
	for _, name := range tables {
		bad.Remedies = append(bad.Remedies, fmt.Sprintf("ALTER TABLE %s DISABLE ROW LEVEL SECURITY;", name))
	}
	return &bad
}
