package schema_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/netproxy"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/schema"
)

const migratedTable = "SELECT name || ' ' || detail FROM contactsync.installed WHERE kind = 'contacts'"

func TestWhichContacts(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		before     []string
		searchPath string
		want       string
	}{
		"none": {nil, "public", "public.contacts created"},
		"in the second schema alone": {
			[]string{"CREATE SCHEMA first", "CREATE SCHEMA app", "CREATE TABLE app.contacts (id uuid PRIMARY KEY)"},
			"first,app", "app.contacts found",
		},
		"in two schemas": {
			[]string{`CREATE SCHEMA "App"`, `CREATE TABLE "App".contacts (id uuid PRIMARY KEY)`, "CREATE TABLE contacts (id uuid PRIMARY KEY)"},
			`"App",public`, `"App".contacts found`,
		},
		// A role called contactsync has our schema first in its "$user", public.
		"none, and a role of our name": {nil, "contactsync,public", "public.contacts created"},
		"there, and a role of our name": {
			[]string{"CREATE TABLE contacts (id uuid PRIMARY KEY)"}, "contactsync,public", "public.contacts found",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			direct := pgtest.Empty(t)
			pgtest.Exec(t, direct, test.before...)
			url := direct + "&search_path=" + test.searchPath
			up(t, url)
			if got := pgtest.Value[string](t, url, migratedTable); got != test.want {
				t.Errorf("migrated %s, want %s", got, test.want)
			}
			if err := check(t, url); err != nil {
				t.Error(err)
			}
			// The views find it whatever the search_path.
			if n := pgtest.Value[int](t, direct+"&search_path=pg_catalog", "SELECT queued::int FROM contactsync.status"); n != 0 {
				t.Errorf("%d queued", n)
			}
			down(t, url, true)
			if pgtest.Value[bool](t, direct, "SELECT to_regnamespace('contactsync') IS NOT NULL") {
				t.Error("schema contactsync is still there")
			}
		})
	}
}

func TestNoSchemaToCreateIn(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	_, err := schema.Up(t.Context(), url+"&search_path=nowhere", hubspotAlone, logger(t))
	unsuitable(t, err, "search_path names no schema", "search_path=<schema>")
	leftNothing(t, url, nil)
	up(t, url+"&search_path=public")
}

// A role that owns the table and may create schemas is enough.
func TestUpAsOwner(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	db := pgtest.Empty(t)
	role, url := pgtest.Role(t, db)
	pgtest.Exec(t, db, "CREATE SCHEMA app AUTHORIZATION "+role,
		"GRANT CREATE ON DATABASE "+pgx.Identifier{pgtest.Value[string](t, db, "SELECT current_database()::text")}.Sanitize()+" TO "+role)
	url += "&search_path=app"
	pgtest.Exec(t, url, tableWithStatus()...)
	up(t, url)
	if err := check(t, url); err != nil {
		t.Error(err)
	}
	down(t, url, true)
}

// A DBA made the schema for a role that may not.
func TestUpInASchemaMadeByAnother(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	db := pgtest.Empty(t)
	role, url := pgtest.Role(t, db)
	pgtest.Exec(t, db, "CREATE SCHEMA contactsync", "GRANT ALL ON SCHEMA contactsync TO "+role, "CREATE SCHEMA app AUTHORIZATION "+role)
	url += "&search_path=app"
	up(t, url)
	if err := check(t, url); err != nil {
		t.Error(err)
	}
	down(t, url, true)
	if n := pgtest.Value[int](t, db, "SELECT count(*)::int FROM pg_class WHERE relnamespace = 'contactsync'::regnamespace"); n != 0 {
		t.Errorf("%d things are left in the schema that stays", n)
	}
}

// It works through a pooler, too, and leaves nothing behind there.
func TestUpThroughAPooler(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	direct := pgtest.Empty(t)
	url := netproxy.NewPooler(t, direct, netproxy.Transaction).URL()
	up(t, url)
	if err := check(t, direct); err != nil {
		t.Error(err)
	}
	if n := pgtest.Value[int](t, direct, "SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"); n != 0 {
		t.Errorf("%d advisory locks stayed behind", n)
	}
	app, err := pgx.Connect(t.Context(), url+"&default_query_exec_mode=simple_protocol")
	if err != nil {
		t.Fatal(err)
	}
	var name, timeout string
	if err := app.QueryRow(t.Context(), "SELECT current_setting('application_name'), current_setting('lock_timeout')").Scan(&name, &timeout); err != nil {
		t.Fatal(err)
	}
	if name != "" || timeout != "0" {
		t.Errorf("application_name %q, lock_timeout %q were left to other apps", name, timeout)
	}
	if err := app.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestSessionSettings(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	db := pgtest.Empty(t)
	conn := pgtest.Connect(t, db+"&statement_timeout=5s&idle_session_timeout=5s")
	if err := schema.Prepare(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	var name, statement, idle string
	err := conn.QueryRow(t.Context(), "SELECT current_setting('application_name'), current_setting('statement_timeout'), current_setting('idle_session_timeout')").
		Scan(&name, &statement, &idle)
	if err != nil || name != "contactsync migrate" || statement != "0" || idle != "0" {
		t.Errorf("got %q, %q, %q, %v", name, statement, idle, err)
	}
}
