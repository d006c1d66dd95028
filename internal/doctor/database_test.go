package doctor

import (
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/database"
	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/netproxy"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/schema"
)

// examine makes the checks of a database as a process with these URLs would,
// and answers their results by name.
func examine(t *testing.T, databaseURL, directURL string, change func(*thresholds)) map[string]Result {
	t.Helper()
	pool, err := database.NewPool(t.Context(), databaseURL, "doctor", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	d := Database{
		Pool: pool, URL: databaseURL, DirectURL: directURL, Name: "doctor", Schema: pgtest.Options(), Destination: hubspot.Info,
		Remedy: func(error) string { return "what the caller knows" }, limits: standard(),
	}
	// Other tests use the same server, and a slow machine is no fault.
	d.limits.heard, d.limits.patience = time.Minute, time.Second
	if change != nil {
		change(&d.limits)
	}
	results := map[string]Result{}
	Run(t.Context(), d.Checks(), func(r Result) {
		if r.Level != OK {
			t.Logf("%s: %s: %s → %s", r.Name, r.Level, r.Found, r.Remedy)
		}
		results[r.Name] = r
	})
	return results
}

// others checks that every result is as in a healthy database where nobody
// leads, but for those named.
func others(t *testing.T, results map[string]Result, but ...string) {
	t.Helper()
	for name, r := range results {
		want := OK
		switch {
		case name == "replicas":
			want = Warning
		case name == "two-phase commit" && r.Level == Warning: // the server is set up so
			continue
		case name == "search_path" && strings.Contains(r.Found, "PUBLIC may create in schema public"): // as PostgreSQL 14 makes databases
			continue
		}
		if r.Level != want && !slices.Contains(but, name) {
			t.Errorf("%s: %s, want %s: %s", name, r.Level, want, r.Found)
		}
		if (r.Level == Failed || r.Level == Warning) && r.Remedy == "" {
			t.Errorf("%s is %s without a remedy: %s", name, r.Level, r.Found)
		}
	}
}

func expect(t *testing.T, r Result, level Level, found, remedy string) {
	t.Helper()
	if r.Level != level || !strings.Contains(r.Found, found) || !strings.Contains(r.Remedy, remedy) {
		t.Errorf("%s: %s: %s → %s\nwant %s: …%s… → …%s…", r.Name, r.Level, r.Found, r.Remedy, level, found, remedy)
	}
}

func TestHealthy(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.New(t)
	results := examine(t, url, url, nil)
	others(t, results)
	if len(results) != 23 {
		t.Errorf("%d checks, want 23", len(results))
	}
	expect(t, results["replicas"], Warning, "nobody leads", "contactsync run")
	for name, r := range results {
		t.Logf("%s: %s (%v)", name, r.Found, r.Took.Round(time.Millisecond))
	}
	password := urlPassword(t, url)
	for name, r := range results {
		if strings.Contains(r.Found+r.Remedy, password) {
			t.Errorf("%s tells the password", name)
		}
	}
}

func urlPassword(t *testing.T, databaseURL string) string {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	if password == "" {
		t.Fatal("the test database has no password to look for")
	}
	return password
}

// instead makes a function of the server answer something else for whoever has
// the returned search_path, because what it tells cannot be brought about here.
func instead(t *testing.T, databaseURL, signature, returns, answer string) string {
	t.Helper()
	pgtest.Exec(t, databaseURL, fmt.Sprintf(`CREATE SCHEMA fake; CREATE FUNCTION fake.%s RETURNS %s LANGUAGE sql AS $f$ SELECT %s $f$`,
		signature, returns, answer))
	return databaseURL + "&search_path=fake,pg_catalog,public"
}

func setting(t *testing.T, databaseURL, name, value string) string {
	t.Helper()
	return instead(t, databaseURL, "current_setting(name text)", "text",
		fmt.Sprintf("CASE name WHEN '%s' THEN '%s' ELSE pg_catalog.current_setting(name) END", name, value))
}

// Each line breaks one thing on a real server. What is lost with it is named in
// lost; everything else must be found in order.
func TestEachCheckFindsItsTrouble(t *testing.T) {
	t.Parallel()
	exec := func(statements ...string) func(*testing.T, string) string {
		return func(t *testing.T, url string) string {
			t.Helper()
			pgtest.Exec(t, url, statements...)
			return url
		}
	}
	database := func(statement string) func(*testing.T, string) string {
		return func(t *testing.T, url string) string {
			t.Helper()
			name := pgtest.Value[string](t, url, "SELECT current_database()::text")
			pgtest.Exec(t, url, fmt.Sprintf(statement, name))
			return url
		}
	}
	migrated := []string{"row security", "triggers", "triggers enabled", "indexes", "children", "claim", "a try", "bloat", "replicas", "queue"}
	tests := map[string]struct {
		check         string
		broken        func(t *testing.T, url string) string // answers the URL to use then
		level         Level
		found, remedy string
		lost          []string
	}{
		"an old server": {
			check: "version", broken: func(t *testing.T, url string) string {
				t.Helper()
				return setting(t, url, "server_version_num", "130012")
			}, level: Failed, remedy: "upgrade PostgreSQL to 14",
		},
		"a standby": {
			check: "writable", broken: func(t *testing.T, url string) string {
				t.Helper()
				return instead(t, url, "pg_is_in_recovery()", "bool", "true")
			}, level: Failed, found: "standby", remedy: "primary", lost: []string{"claim", "a try", "notifications"},
		},
		"read-only": {
			check: "writable", broken: database("ALTER DATABASE %s SET default_transaction_read_only = on"),
			level: Failed, found: "read-only", remedy: "RESET default_transaction_read_only", lost: []string{"claim", "a try", "notifications"},
		},
		"a step is missing": {
			check: "schema", broken: exec("DELETE FROM contactsync.installed WHERE kind = 'views'"),
			level: Failed, found: "views", remedy: "contactsync migrate up",
			lost: migrated,
		},
		"another contacts comes first": {
			check: "schema", broken: func(t *testing.T, url string) string {
				t.Helper()
				pgtest.Exec(t, url, "CREATE SCHEMA app; CREATE TABLE app.contacts (id uuid)")
				return url + "&search_path=app,public"
			}, level: Failed, found: "leads to app.contacts", remedy: "search_path",
			lost: migrated,
		},
		"columns dropped": {
			check: "schema", broken: exec("ALTER TABLE contacts DROP COLUMN hubspot_queued_at, DROP COLUMN updated_at"),
			level: Failed, found: "missing: contacts (updated_at), hubspot columns (hubspot_queued_at)", remedy: "contactsync migrate up", lost: migrated,
		},
		"a column renamed": {
			check: "schema", broken: exec("ALTER TABLE contacts RENAME COLUMN hubspot_queued_at TO since"),
			level: Failed, found: "column hubspot_queued_at of public.contacts is now called since", remedy: "ALTER TABLE public.contacts RENAME COLUMN since TO hubspot_queued_at;", lost: migrated,
		},
		"a label renamed": {
			check: "schema", broken: func(t *testing.T, _ string) string {
				t.Helper()
				url := pgtest.Empty(t)
				pgtest.Exec(t, url, "CREATE TYPE state AS ENUM ('New', 'Queued', 'Processing', 'Complete', 'Error')",
					"CREATE TABLE contacts (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), hubspot_processing_status state)")
				pgtest.Migrate(t, url)
				pgtest.Exec(t, url, "ALTER TYPE state RENAME VALUE 'Queued' TO 'QUEUED'")
				return url
			},
			level: Failed, found: "has 'QUEUED': the app writes other words", remedy: "RENAME VALUE 'QUEUED' TO 'Queued';", lost: migrated,
		},
		"a column of another type": {
			check: "triggers", broken: exec("ALTER TABLE contacts ALTER COLUMN next_retry_at TYPE timestamp"),
			level: Warning, found: "the type of a column", remedy: "contactsync migrate up",
		},
		"a column renamed and made anew": {
			check: "triggers", broken: exec("ALTER TABLE contacts RENAME COLUMN hubspot_processing_status TO state; ALTER TABLE contacts ADD COLUMN hubspot_processing_status text"),
			level: Failed, found: "on a column that was renamed: contactsync_doorbell_insert", remedy: "contactsync migrate up", lost: []string{"claim"},
		},
		"detached": {
			check: "triggers", broken: func(t *testing.T, url string) string {
				t.Helper()
				if err := schema.Detach(t.Context(), url, pgtest.Options(), true, slog.New(slog.DiscardHandler)); err != nil {
					t.Fatal(err)
				}
				return url
			},
			level: Warning, found: "detached since 20", remedy: "contactsync migrate attach",
		},
		"detached with the indexes": {
			check: "indexes", broken: func(t *testing.T, url string) string {
				t.Helper()
				if err := schema.Detach(t.Context(), url, pgtest.Options(), false, slog.New(slog.DiscardHandler)); err != nil {
					t.Fatal(err)
				}
				return url
			},
			level: Warning, found: "detached since 20", remedy: "contactsync migrate attach", lost: []string{"triggers"},
		},
		"a child": {
			check: "children", broken: exec("CREATE TABLE more () INHERITS (contacts)"),
			level: Warning, found: "more inherits neither triggers nor indexes", remedy: "FOR EACH ROW WHEN", lost: []string{"claim"},
		},
		"a schema of everybody's": {
			check: "search_path", broken: exec("GRANT CREATE ON SCHEMA public TO PUBLIC"),
			level: Warning, found: "PUBLIC may create in schema public", remedy: "REVOKE CREATE ON SCHEMA public FROM PUBLIC;",
		},
		"the owner does not see his own rows": {
			check: "row security", broken: func(t *testing.T, url string) string {
				t.Helper()
				role, asRole := pgtest.Role(t, url)
				pgtest.Exec(t, url, "GRANT ALL ON SCHEMA contactsync, public TO "+role, "GRANT ALL ON ALL TABLES IN SCHEMA contactsync TO "+role,
					"GRANT ALL ON ALL SEQUENCES IN SCHEMA contactsync TO "+role, "ALTER TABLE contacts OWNER TO "+role,
					"ALTER TABLE contacts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
				return asRole
			}, level: Failed, found: "row security hides every row of public.contacts", remedy: "CREATE POLICY", lost: []string{"replicas"},
		},
		"perhaps not all rows are seen": {
			check: "row security", broken: func(t *testing.T, url string) string {
				t.Helper()
				role, asRole := pgtest.Role(t, url)
				if err := schema.Grant(t.Context(), url, pgtest.Options(), role, schema.Worker, slog.New(slog.DiscardHandler)); err != nil {
					t.Fatal(err)
				}
				pgtest.Exec(t, url, "ALTER TABLE contacts ENABLE ROW LEVEL SECURITY", "CREATE POLICY p ON contacts USING (name <> '')")
				return asRole
			}, level: Warning, found: "row security may hide rows", remedy: "CREATE POLICY",
		},
		"a trigger of another version": {
			check: "triggers", broken: exec("UPDATE contactsync.installed SET detail = 'older' WHERE kind = 'triggers'"),
			level: Warning, found: "text", remedy: "contactsync migrate up",
		},
		"a trigger dropped": {
			check: "triggers", broken: exec("DROP TRIGGER zz_contactsync_requeue_named ON contacts"),
			level: Failed, found: "missing: zz_contactsync_requeue_named", remedy: "contactsync migrate up",
		},
		"a trigger disabled": {
			check: "triggers enabled", broken: exec("ALTER TABLE contacts DISABLE TRIGGER zz_contactsync_requeue_named"),
			level: Failed, found: "zz_contactsync_requeue_named on contacts is disabled",
			remedy: "ALTER TABLE contacts ENABLE TRIGGER zz_contactsync_requeue_named;",
		},
		"a trigger for replicas": {
			check: "triggers enabled", broken: exec("ALTER TABLE contacts ENABLE REPLICA TRIGGER zz_contactsync_requeue"),
			level: Failed, found: "replicas alone", remedy: "ENABLE TRIGGER zz_contactsync_requeue;",
		},
		"a trigger that comes later": {
			check: "triggers enabled", broken: exec("CREATE FUNCTION zzz() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
				"CREATE TRIGGER zzz BEFORE UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION zzz()",
				"CREATE TRIGGER aaa BEFORE UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION zzz()"),
			level: Warning, found: "zzz on contacts: fires after contactsync's triggers", remedy: "ALTER TRIGGER zzz ON contacts RENAME TO a_zzz;",
		},
		"replica by a setting of the database": {
			check: "triggers enabled", broken: database("ALTER DATABASE %s SET session_replication_role = replica"),
			level: Failed, found: "session_replication_role is replica", remedy: "RESET session_replication_role",
		},
		"replica for another role": {
			check: "triggers enabled", broken: func(t *testing.T, url string) string {
				t.Helper()
				role, _ := pgtest.Role(t, url)
				// In this database alone: roles are the whole server's, and so other tests'.
				pgtest.Exec(t, url, "DO $$ BEGIN EXECUTE format('ALTER ROLE "+role+" IN DATABASE %I SET session_replication_role = replica', current_database()); END $$")
				return url
			}, level: Warning, found: "for others", remedy: "ALTER ROLE cstest_",
		},
		"an index dropped": {
			check: "indexes", broken: exec("DROP INDEX contacts_contactsync_queued"),
			level: Failed, found: "contacts_contactsync_queued is missing", remedy: "CREATE INDEX CONCURRENTLY contacts_contactsync_queued",
			lost: []string{"claim"},
		},
		"an index invalid": {
			check: "indexes", broken: exec("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'contacts_contactsync_retry'::regclass"),
			level: Failed, found: "contacts_contactsync_retry is invalid", remedy: "REINDEX INDEX CONCURRENTLY contacts_contactsync_retry;",
			lost: []string{"claim"},
		},
		"no index on id": {
			check: "claim", broken: exec("ALTER TABLE contacts DROP CONSTRAINT contacts_pkey"),
			level: Warning, found: "reads a whole table: Seq Scan on contacts", remedy: "id",
		},
		"a full notification queue": {
			check: "notification queue", broken: func(t *testing.T, url string) string {
				t.Helper()
				return instead(t, url, "pg_notification_queue_usage()", "float8", "0.6::float8")
			}, level: Warning, found: "60 % full", remedy: "LISTEN",
		},
		"no two-phase commit": {
			check: "two-phase commit", broken: func(t *testing.T, url string) string {
				t.Helper()
				return setting(t, url, "max_prepared_transactions", "0")
			}, level: OK,
		},
		"two-phase commit": {
			check: "two-phase commit", broken: func(t *testing.T, url string) string {
				t.Helper()
				return setting(t, url, "max_prepared_transactions", "5")
			}, level: Warning, found: "max_prepared_transactions is 5", remedy: "max_prepared_transactions = 0",
		},
		"few connections": {
			check: "connections", broken: func(t *testing.T, url string) string {
				t.Helper()
				return setting(t, url, "max_connections", "1")
			}, level: Failed, found: "0 of 1 of the server's connections are free, and a leader needs 3", remedy: "max_connections",
		},
		"another time": {
			check: "clock", broken: func(t *testing.T, url string) string {
				t.Helper()
				return instead(t, url, "clock_timestamp()", "timestamptz", "pg_catalog.clock_timestamp() + interval '1 hour'")
			}, level: Warning, found: "1h0m", remedy: "NTP", lost: []string{"transactions"},
		},
		"left by another worker": {
			check: "queue", broken: exec(`INSERT INTO contacts (email, hubspot_processing_status, updated_at)
				VALUES ('a@example.org', 'Processing', now() - interval '16 min')`),
			level: Failed, found: "1 contact is Processing for over 15m0s", remedy: "contactsync run",
		},
		"due, and nobody leads": {
			check: "queue", broken: exec(`INSERT INTO contacts (email, hubspot_processing_status, hubspot_queued_at)
				VALUES ('a@example.org', 'Queued', now() - interval '2 min')`),
			level: Failed, found: "1 contact is due for over 1m0s, and nobody leads", remedy: "contactsync run",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := test.broken(t, pgtest.New(t))
			results := examine(t, url, url, nil)
			expect(t, results[test.check], test.level, test.found, test.remedy)
			others(t, results, append(test.lost, test.check)...)
			for _, name := range test.lost {
				if results[name].Level == Failed {
					t.Errorf("%s failed as well instead of being left out: %s", name, results[name].Found)
				}
			}
		})
	}
}

// The remedies that are SQL mend what they are for.
func TestRemediesMend(t *testing.T) {
	t.Parallel()
	for check, breaks := range map[string]string{
		"indexes":          "DROP INDEX contacts_contactsync_queued; DROP INDEX contacts_contactsync_retry; DROP INDEX contacts_contactsync_in_work; DROP INDEX contacts_contactsync_error",
		"triggers enabled": "ALTER TABLE contacts DISABLE TRIGGER USER",
		"children":         "CREATE TABLE more () INHERITS (contacts)",
		"search_path":      "GRANT CREATE ON SCHEMA public TO PUBLIC",
	} {
		t.Run(check, func(t *testing.T) {
			t.Parallel()
			url := pgtest.New(t)
			const shape = `SELECT string_agg(indexdef, E'\n' ORDER BY indexdef) FROM pg_indexes WHERE tablename = 'contacts'`
			before := pgtest.Value[string](t, url, shape)
			pgtest.Exec(t, url, breaks)
			remedy := examine(t, url, url, nil)[check].Remedy
			for statement := range strings.SplitSeq(strings.TrimSuffix(remedy, ";"), ";") {
				pgtest.Exec(t, url, statement)
			}
			others(t, examine(t, url, url, nil))
			if after := pgtest.Value[string](t, url, shape); after != before {
				t.Errorf("indexes are\n%s\nwere\n%s", after, before)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	const nobody = "postgres://u:hunter2@127.0.0.1:1/d?sslmode=disable"
	results := examine(t, nobody, nobody, nil)
	expect(t, results["reachable"], Failed, "127.0.0.1", "what the caller knows")
	for name, r := range results {
		if name != "reachable" && r.Level != NotChecked {
			t.Errorf("%s: %s", name, r.Level)
		}
		if strings.Contains(r.Found+r.Remedy, "hunter2") {
			t.Errorf("%s tells the password", name)
		}
	}
}

func TestPooler(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.New(t)
	pooled := netproxy.NewPooler(t, url, netproxy.Transaction).URL()
	t.Run("in the way", func(t *testing.T) {
		t.Parallel()
		results := examine(t, pooled, pooled, nil)
		expect(t, results["pooler"], Failed, "a pooler in transaction mode is in the way", "DATABASE_DIRECT_URL")
		expect(t, results["notifications"], NotChecked, "pooler", "")
		others(t, results, "pooler", "notifications", "privileges", "a try")
	})
	t.Run("with a way past it", func(t *testing.T) {
		t.Parallel()
		others(t, examine(t, pooled, url, nil))
	})
	t.Run("the way past it leads elsewhere", func(t *testing.T) {
		t.Parallel()
		results := examine(t, pooled, pgtest.New(t), nil)
		expect(t, results["pooler"], Failed, "different databases", "same database")
	})
}

func TestDeaf(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := instead(t, pgtest.New(t), "pg_notify(channel text, payload text)", "void", "")
	results := examine(t, url, url, func(l *thresholds) { l.heard = 50 * time.Millisecond })
	expect(t, results["notifications"], Failed, "not heard", "pooler")
	others(t, results, "notifications")
}
