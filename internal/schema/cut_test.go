package schema_test

import (
	"slices"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/schema"
)

// waiting is an app's table with a status of its own, as a worker before this one had it.
var waiting = "CREATE TABLE contacts (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text, hubspot_processing_status text, updated_at timestamptz DEFAULT now())"

// cut makes a kind of statement fail until mend is called, as if the program had been
// stopped there.
func cut(t *testing.T, url, tag string) (mend func()) {
	t.Helper()
	pgtest.Exec(t, url, "CREATE FUNCTION stop_here() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'stopped here'; END $$",
		"CREATE EVENT TRIGGER stop_here ON ddl_command_start WHEN TAG IN ('"+tag+"') EXECUTE FUNCTION stop_here()")
	return func() {
		t.Helper()
		pgtest.Exec(t, url, "DROP EVENT TRIGGER stop_here", "DROP FUNCTION stop_here()")
	}
}

func fourIndexes(t *testing.T, url string) {
	t.Helper()
	if list := indexes(t, url); len(list) != 4 {
		t.Errorf("the indexes are %q, want 4", list)
	}
}

// What waited before keeps the order that it had.
func TestWhatWaitedKeepsItsOrder(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	pgtest.Exec(t, url, waiting, `INSERT INTO contacts (email, hubspot_processing_status, updated_at)
		SELECT 'c' || lpad(i::text, 4, '0'), 'Queued', now() - interval '1 hour' + i * interval '1 second' FROM generate_series(1, 2500) i`,
		"INSERT INTO contacts (email, hubspot_processing_status, updated_at) VALUES ('odd', 'Queued', 'infinity'), ('unknown', 'Queued', NULL)",
		"INSERT INTO contacts (email, updated_at) VALUES ('rests', now() - interval '1 day')")
	up(t, url)
	fourIndexes(t, url)
	got := pgtest.Value[string](t, url, `SELECT concat_ws(' ', bool_and(hubspot_queued_at = updated_at) FILTER (WHERE email LIKE 'c%'),
		bool_and(hubspot_queued_at <= now()) FILTER (WHERE email IN ('odd', 'unknown')), bool_and(hubspot_queued_at IS NULL) FILTER (WHERE email = 'rests')) FROM contacts`)
	if got != "t t t" {
		t.Errorf("since when they wait: %s", got)
	}
	if oldest := pgtest.Value[bool](t, url, "SELECT oldest_due_seconds BETWEEN 3500 AND 3700 FROM contactsync.status"); !oldest {
		t.Error("the view does not tell how long the oldest has waited")
	}
}

// A row that an app's own trigger refuses, or keeps as it was, keeps nobody from
// installing.
func TestUpWithARowThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	for name, does := range map[string]string{"refused": "RAISE 'not this one'", "kept": "NEW := OLD; RETURN NEW"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := pgtest.Empty(t)
			pgtest.Exec(t, url, waiting, "INSERT INTO contacts (email, hubspot_processing_status) VALUES ('poison', 'Queued')",
				"CREATE FUNCTION app() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "+does+"; END $$",
				"CREATE TRIGGER app BEFORE UPDATE ON contacts FOR EACH ROW WHEN (OLD.email = 'poison') EXECUTE FUNCTION app()")
			up(t, url)
			fourIndexes(t, url)
			if err := check(t, url); err != nil {
				t.Error(err)
			}
		})
	}
}

// What a migration that was cut has left is gone after the next one, or the way back.
func TestUpWasCut(t *testing.T) {
	t.Parallel()
	for _, tag := range []string{"CREATE TABLE", "ALTER TABLE", "CREATE INDEX", "CREATE VIEW", "CREATE TRIGGER"} {
		t.Run(tag, func(t *testing.T) {
			t.Parallel()
			for _, back := range []bool{false, true} {
				url := pgtest.Empty(t)
				pgtest.Exec(t, url, waiting)
				before := columns(t, url)
				mend := cut(t, url, tag)
				if _, err := schema.Up(t.Context(), url, hubspotAlone, logger(t)); err == nil {
					t.Fatal("the test is void: nothing stopped the migration")
				}
				mend()
				if !back {
					up(t, url)
					fourIndexes(t, url)
					if err := check(t, url); err != nil {
						t.Error(err)
					}
				}
				down(t, url, true)
				if left := indexes(t, url); len(left) != 0 || !slices.Equal(columns(t, url), before) {
					t.Errorf("down --all left %q, %q", left, columns(t, url))
				}
			}
		})
	}
}

// A step back that was cut is gone on with by up.
func TestDownWasCut(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	for _, tag := range []string{"DROP VIEW", "DROP INDEX", "ALTER TABLE"} {
		url := pgtest.Empty(t)
		up(t, url)
		mend := cut(t, url, tag)
		if _, err := schema.Down(t.Context(), url, hubspotAlone, false, logger(t)); err == nil {
			t.Fatalf("the test is void: nothing stopped the step back at %s", tag)
		}
		mend()
		up(t, url)
		fourIndexes(t, url)
		if err := check(t, url); err != nil {
			t.Errorf("%s: %v", tag, err)
		}
	}
}

// Somebody dropped contacts, and perhaps made another one: the way back is open.
func TestDownWithoutTheTable(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	for name, another := range map[string][]string{
		"none":    nil,
		"another": {"CREATE TABLE contacts (id uuid PRIMARY KEY, email text)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := pgtest.Empty(t)
			up(t, url)
			pgtest.Exec(t, url, append([]string{"DROP TABLE contacts"}, another...)...)
			for range 2 { // step by step, and then the rest
				down(t, url, false)
			}
			down(t, url, true)
			if pgtest.Value[bool](t, url, "SELECT to_regnamespace('contactsync') IS NOT NULL") {
				t.Error("the schema is still there")
			}
		})
	}
	url := pgtest.Empty(t)
	up(t, url)
	pgtest.Exec(t, url, "DROP TABLE contacts")
	_, err := schema.Up(t.Context(), url, hubspotAlone, logger(t))
	unsuitable(t, err, "no table public.contacts any more", "migrate down --all")
}
