package pgtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Traps makes functions and operators, as a role could that may create things in schema
// public, which stand in for those of Postgres: they are for the very types at hand, also
// for types of an app. Trapped tells which of them a statement would call.
func Traps(tb testing.TB, url string, types ...string) {
	tb.Helper()
	statements := []string{"CREATE SCHEMA IF NOT EXISTS traps"}
	function := func(name, args, returns string) {
		statements = append(statements, fmt.Sprintf("CREATE FUNCTION public.%s(%s) RETURNS %s LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped: %[1]s(%[2]s)'; END $$", name, args, returns))
	}
	for _, kind := range types {
		function("trap", kind+", "+kind, "bool")
		for _, operator := range []string{"=", "<>", "<", "<=", ">", ">="} {
			statements = append(statements, fmt.Sprintf("CREATE OPERATOR public.%s (LEFTARG = %s, RIGHTARG = %[2]s, FUNCTION = public.trap)", operator, kind))
		}
		function("isfinite", kind, "bool")
	}
	for _, f := range [][3]string{
		{"unnest", "text[]", "SETOF text"},
		{"unnest", "uuid[]", "SETOF uuid"},
		{"unnest", "bool[]", "SETOF bool"},
		{"cardinality", "uuid[]", "int"},
		{"format", "text, int", "text"},
		{"format", "text, int, text", "text"},
		{"width_bucket", "float8, float8[]", "int"},
		{"to_timestamp", "numeric", "timestamptz"},
		{"concat_ws", "text, text, text", "text"},
		{"concat", "text, text", "text"},
		{"concat", "text, text, timestamptz, text", "text"},
	} {
		function(f[0], f[1], f[2])
	}
	Exec(tb, url, statements...)
}

// Trapped lists the functions and operators of Traps that a statement would call. It has
// Postgres make a function of the statement, whose dependencies the catalog then has.
func Trapped(tb testing.TB, conn *pgx.Conn, statement string) []string {
	tb.Helper()
	described, err := conn.Prepare(tb.Context(), "", statement)
	if err != nil {
		tb.Fatalf("%v\nin %s", err, statement)
	}
	args := make([]string, len(described.ParamOIDs))
	for i, oid := range described.ParamOIDs {
		if err := conn.QueryRow(tb.Context(), "SELECT $1::oid::regtype::text", oid).Scan(&args[i]); err != nil {
			tb.Fatal(err)
		}
	}
	tx, err := conn.Begin(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = tx.Rollback(tb.Context()) }() // it was only asked
	create := fmt.Sprintf("CREATE FUNCTION traps.statement(%s) RETURNS void BEGIN ATOMIC %s\n; END", strings.Join(args, ", "), statement)
	if _, err := tx.Exec(tb.Context(), create, pgx.QueryExecModeSimpleProtocol); err != nil {
		tb.Fatalf("%v\nin %s", err, create)
	}
	rows, err := tx.Query(tb.Context(), `SELECT pg_describe_object(d.refclassid, d.refobjid, 0)
		  FROM pg_depend d
		  LEFT JOIN pg_proc p ON d.refclassid = 'pg_proc'::regclass AND p.oid = d.refobjid
		  LEFT JOIN pg_operator o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid
		 WHERE d.objid = (SELECT f.oid FROM pg_proc f WHERE f.pronamespace = 'traps'::regnamespace)
		   AND coalesce(p.pronamespace, o.oprnamespace) = 'public'::regnamespace`)
	if err != nil {
		tb.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		tb.Fatal(err)
	}
	slices.Sort(list)
	return slices.Compact(list)
}
