package triggers_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/pgtest"
)

// A role that may create things in a schema of search_path gets nothing run by whoever
// queues a contact, wherever in that path the schema stands.
func TestNobodyElsesOperators(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"text", "varchar(30)", "state", "word"} {
		for _, path := range []string{"public", "public,pg_catalog"} {
			t.Run(kind+", "+path, func(t *testing.T) {
				t.Parallel()
				url := pgtest.Empty(t)
				pgtest.Exec(t, url, "CREATE TYPE state AS ENUM ('New', 'Queued', 'Processing', 'Complete', 'Error')", "CREATE DOMAIN word AS varchar(30)",
					"CREATE DOMAIN moment AS timestamptz", "CREATE TABLE trapped (what text)")
				pgtest.Exec(t, url, traps()...)
				pgtest.Exec(t, url, fmt.Sprintf(`CREATE TABLE contacts (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text, hubspot_processing_status %s,
					hubspot_error_code %[1]s, next_retry_at moment, updated_at moment)`, kind))
				if kind == "state" {
					pgtest.Exec(t, url, "ALTER TABLE contacts ALTER COLUMN hubspot_error_code TYPE text")
				}
				pgtest.Migrate(t, url)
				trapped := func() string {
					return pgtest.Value[string](t, url, "SELECT coalesce(string_agg(DISTINCT what, ', '), '') FROM trapped")
				}
				if was := trapped(); was != "" {
					t.Errorf("the migration called %s", was)
				}
				pgtest.Exec(t, url, "TRUNCATE trapped")
				app := url + "&search_path=" + path
				pgtest.Exec(t, app, "INSERT INTO contacts (hubspot_processing_status) VALUES ('Queued')", "UPDATE contacts SET hubspot_processing_status = 'Error'",
					"UPDATE contacts SET hubspot_processing_status = 'Queued'", "UPDATE contacts SET hubspot_processing_status = 'Queued'",
					"UPDATE contacts SET next_retry_at = '2030-01-01'", "UPDATE contacts SET updated_at = NULL", "UPDATE contacts SET hubspot_processing_status = 'Queued'")
				if was := trapped(); was != "" {
					t.Errorf("an app that queues a contact called %s", was)
				}
				pgtest.Exec(t, app, "SELECT 'Queued'::state = 'Queued'")
				if was := trapped(); !strings.Contains(was, "state") {
					t.Errorf("the test is void: nothing was trapped (%q)", was)
				}
			})
		}
	}
}

// traps are functions and operators that note that they were called.
func traps() (list []string) {
	function := func(name, args, returns, value string) {
		list = append(list, fmt.Sprintf(`CREATE FUNCTION public.%s(%s) RETURNS %s LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.trapped VALUES ('%[1]s(%[2]s)'); RETURN %[4]s; END $$`,
			name, args, returns, value))
	}
	for _, kind := range []string{"text", "varchar", "state", "word", "moment", "timestamptz", "int", "oid", "regtype"} {
		function("trap", kind+", "+kind, "bool", "true")
		for _, operator := range []string{"=", "<>"} {
			list = append(list, fmt.Sprintf("CREATE OPERATOR public.%s (LEFTARG = %s, RIGHTARG = %[2]s, FUNCTION = public.trap)", operator, kind))
		}
	}
	function("current_setting", "text, bool", "text", "''")
	function("clock_timestamp", "", "timestamptz", "pg_catalog.now()")
	function("pg_notify", "text, text", "void", "")
	function("pg_typeof", "moment", "regtype", "NULL")
	function("pg_try_advisory_xact_lock_shared", "int, int", "bool", "true")
	return list
}
