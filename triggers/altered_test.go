package triggers_test

import (
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/schema"
)

// alterations are what an app may do to its table and to what is ours, each with the
// name that the status has afterwards; "" where it is gone.
func alterations() map[string]struct{ ddl, status string } {
	const status = "hubspot_processing_status"
	all := map[string]struct{ ddl, status string }{
		"a label renamed":            {"ALTER TYPE state RENAME VALUE 'Queued' TO 'QUEUED'", status},
		"the label of others":        {"ALTER TYPE state RENAME VALUE 'Error' TO 'ERROR'", status},
		"a NOT NULL":                 {"UPDATE contacts SET hubspot_error_code = ''; ALTER TABLE contacts ALTER COLUMN hubspot_error_code SET DEFAULT ''", status},
		"a shorter text":             {"ALTER TABLE contacts ALTER COLUMN hubspot_error_code TYPE varchar(3)", status},
		"a flag for a number":        {"ALTER TABLE contacts ALTER COLUMN retry_count DROP DEFAULT, ALTER COLUMN retry_count TYPE bool USING true", status},
		"a date for a time":          {"ALTER TABLE contacts ALTER COLUMN updated_at TYPE date", status},
		"an epoch for a time":        {"ALTER TABLE contacts ALTER COLUMN updated_at DROP DEFAULT, ALTER COLUMN updated_at TYPE bigint USING 0", status},
		"another time":               {"ALTER TABLE contacts ALTER COLUMN next_retry_at TYPE timestamp", status},
		"schema rights revoked":      {"REVOKE ALL ON SCHEMA contactsync FROM PUBLIC", status},
		"execute revoked":            {"REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA contactsync FROM PUBLIC", status},
		"notify revoked":             {"REVOKE EXECUTE ON FUNCTION pg_catalog.pg_notify(text, text) FROM PUBLIC", status},
		"locks revoked":              {"REVOKE EXECUTE ON FUNCTION pg_catalog.pg_try_advisory_xact_lock_shared(int, int) FROM PUBLIC", status},
		"settings revoked":           {"REVOKE EXECUTE ON FUNCTION pg_catalog.clock_timestamp() FROM PUBLIC", status},
		"the table renamed and back": {"ALTER TABLE contacts RENAME TO others; ALTER TABLE others RENAME TO contacts", status},
		"our schema dropped":         {"DROP SCHEMA contactsync CASCADE", status},
	}
	for _, column := range append(hubspot.Info.Columns.List(), "updated_at", "last_failed_crm", "email", "name") {
		named, left := "renamed_"+column, ""
		if column != status {
			named, left = status, status
		}
		all["dropped "+column] = struct{ ddl, status string }{"ALTER TABLE contacts DROP COLUMN " + column + " CASCADE", left}
		all["renamed "+column] = struct{ ddl, status string }{"ALTER TABLE contacts RENAME COLUMN " + column + " TO renamed_" + column, named}
		if column != status {
			all["text "+column] = struct{ ddl, status string }{"ALTER TABLE contacts ALTER COLUMN " + column + " DROP DEFAULT, ALTER COLUMN " + column + " TYPE text", status}
			all["domain "+column] = struct{ ddl, status string }{"CREATE DOMAIN word AS text; ALTER TABLE contacts ALTER COLUMN " + column + " DROP DEFAULT, ALTER COLUMN " + column + " TYPE word", status}
		}
	}
	return all
}

// Whatever the app does to its table, and to what is ours, its own statements go
// through, in sessions that were there before as well as in new ones. Where the doorbell
// can be rung, it is.
func TestNoAlterationFailsTheApp(t *testing.T) {
	t.Parallel()
	for name, test := range alterations() {
		for _, kind := range []string{"text", "state"} {
			if kind == "text" && strings.Contains(test.ddl, "ALTER TYPE state") {
				continue
			}
			t.Run(name+", "+kind, func(t *testing.T) {
				t.Parallel()
				url := pgtest.Empty(t)
				pgtest.Exec(t, url, "CREATE TYPE state AS ENUM ('New', 'Queued', 'Processing', 'Complete', 'Error')",
					"CREATE TABLE contacts (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text, name text, hubspot_processing_status "+kind+", updated_at timestamptz DEFAULT now())")
				pgtest.Migrate(t, url)
				role, theirs := pgtest.Role(t, url)
				pgtest.Exec(t, url, "GRANT SELECT, INSERT, UPDATE, DELETE ON contacts TO "+role)
				c, before := newConsumer(t, url), pgtest.Connect(t, theirs)
				write(c, before, "hubspot_processing_status", "Queued")
				c.exec(c.see, test.ddl)
				label := "Queued"
				if strings.Contains(test.ddl, "'Queued' TO") {
					label = "QUEUED"
				}
				for session, app := range map[string]*pgx.Conn{"old": before, "new": pgtest.Connect(t, theirs)} {
					for _, asleep := range []bool{false, true} {
						if asleep != c.armed {
							c.toggle()
						}
						c.heard()
						held := write(c, app, test.status, label)
						mute := test.status != "hubspot_processing_status" || label != "Queued" ||
							slices.Contains([]string{"our schema dropped", "notify revoked", "locks revoked"}, name)
						if rung := c.heard(); !mute && rung == 0 && !held {
							t.Errorf("%s session, consumer asleep %v: neither rung for nor protected", session, asleep)
						}
					}
				}
			})
		}
	}
}

// write queues a row by an INSERT and by each kind of UPDATE, and says whether the app's
// transaction held the doorbell.
func write(c *consumer, app *pgx.Conn, status, label string) (held bool) {
	c.Helper()
	if status == "" {
		c.exec(app, "INSERT INTO contacts DEFAULT VALUES")
		c.exec(app, "UPDATE contacts SET id = id")
		return false
	}
	var id string
	if err := app.QueryRow(c.Context(), "INSERT INTO contacts ("+status+") VALUES ('"+label+"') RETURNING id::text").Scan(&id); err != nil {
		c.Fatalf("insert: %v", err)
	}
	for _, set := range []string{status + " = NULL", status + " = '" + label + "'", status + " = '" + label + "'", "id = id"} {
		c.exec(app, "BEGIN")
		c.exec(app, "UPDATE contacts SET "+set+" WHERE id::text = $1", id)
		held = held || c.holdsBell(app.PgConn().PID(), c.doorbell)
		c.exec(app, "COMMIT")
	}
	var is string
	if err := app.QueryRow(c.Context(), "SELECT "+status+"::text FROM contacts WHERE id::text = $1", id).Scan(&is); err != nil || is != label {
		c.Errorf("the row is %q (%v), want %s", is, err, label)
	}
	return held
}

// A column that is gone costs its own destination alone.
func TestAlterationCostsOneDestination(t *testing.T) {
	t.Parallel()
	for _, column := range append(hubspot.Info.Columns.List(), "updated_at") {
		t.Run(column, func(t *testing.T) {
			t.Parallel()
			url := withAcme(t)
			c, app := newConsumer(t, url), pgtest.Connect(t, url)
			c.doorbell = acme.Doorbell()
			if !c.sleep() {
				t.Fatal("nobody else has the doorbell")
			}
			const request = "UPDATE app.people SET acme_processing_status = 'Queued'"
			c.exec(app, "INSERT INTO app.people (acme_processing_status, acme_retry_count, acme_error_code) VALUES ('Error', 3, 'TIMEOUT')")
			c.exec(app, request)
			c.exec(app, "ALTER TABLE app.people RENAME COLUMN "+column+" TO other")
			c.exec(app, "SET contactsync.worker = 'on'; UPDATE app.people SET acme_processing_status = 'Error', acme_retry_count = 3, acme_error_code = 'TIMEOUT'; RESET contactsync.worker")
			c.heard()
			c.exec(app, request)
			if c.heard() == 0 {
				t.Error("acme was not rung for")
			}
			var got string
			if err := app.QueryRow(t.Context(), "SELECT concat_ws(' ', acme_processing_status, acme_retry_count, acme_error_code) FROM app.people").Scan(&got); err != nil || got != "Queued 0" {
				t.Errorf("the request is %q (%v), want a fresh one", got, err)
			}
		})
	}
}

// What is not ours to swallow reaches the app.
func TestCancelPasses(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.New(t)
	// A function of ours that takes its time, as one would on a machine that stands still.
	pgtest.Exec(t, url, "INSERT INTO contacts (email) VALUES ('a')",
		"CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$",
		"CREATE TRIGGER zzz AFTER UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION slow()")
	conn := pgtest.Connect(t, url)
	_, err := conn.Exec(t.Context(), "SET statement_timeout = '50ms'")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "UPDATE contacts SET hubspot_processing_status = 'Queued'"); err == nil || !strings.Contains(err.Error(), "57014") {
		t.Errorf("error %v, want that of the statement's timeout", err)
	}
}

// A type that changed leaves plans for the old one in an app's sessions: up replaces the
// functions, and the sessions make new ones.
func TestUpMendsOldSessions(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.New(t)
	pgtest.Exec(t, url, "INSERT INTO contacts (hubspot_processing_status) VALUES ('Error')")
	app := pgtest.Connect(t, url)
	request := func(want string) {
		t.Helper()
		var got string
		pgtest.Exec(t, url, "SET contactsync.worker = 'on'", "UPDATE contacts SET hubspot_processing_status = 'Error', retry_count = 3, hubspot_error_code = 'TIMEOUT'")
		err := app.QueryRow(t.Context(), "UPDATE contacts SET hubspot_processing_status = 'Queued' RETURNING concat_ws(' ', hubspot_processing_status, retry_count, hubspot_error_code)").Scan(&got)
		if err != nil || got != want {
			t.Errorf("the request is %q (%v), want %q", got, err, want)
		}
	}
	request("Queued 0")
	pgtest.Exec(t, url, "ALTER TABLE contacts ALTER COLUMN next_retry_at TYPE timestamp, ALTER COLUMN retry_count TYPE bigint")
	request("Queued 3 TIMEOUT") // the plan is for timestamptz: given up
	for range 2 {
		result, err := schema.Up(t.Context(), url, pgtest.Options(), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Log(result.Applied)
		request("Queued 0")
	}
}
