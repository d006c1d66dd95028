package schema_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/pgtest"
	"github.com/scrapersky/contactsync/internal/schema"
)

var allMigrations = []string{"00001_bookkeeping", "00002_contacts", "00003_indexes", "00004_views", "00005_operators", "00006_sent", "00007_status_view", "00008_alerts", "00009_queued_at", "00010_steady_indexes"}

func TestUpOnEmptyDatabase(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	if missing, ok := errors.AsType[*schema.NotMigratedError](check(t, url)); !ok || !slices.Equal(missing.Pending, allMigrations) {
		t.Errorf("check before: %v", missing)
	}
	result := up(t, url)
	if !slices.Equal(result.Applied, allMigrations) || !result.Triggers {
		t.Errorf("up did %+v, want all migrations and the triggers", result)
	}
	if err := check(t, url); err != nil {
		t.Errorf("check after: %v", err)
	}
	if again := up(t, url); again.Applied != nil || again.Triggers {
		t.Errorf("a second up did %+v", again)
	}
	if len(indexes(t, url)) != 4 {
		t.Errorf("indexes: %q", indexes(t, url))
	}

	pgtest.Exec(t, url, "INSERT INTO contacts DEFAULT VALUES", "INSERT INTO contacts (email, hubspot_contact_id) VALUES ('a', '1'), ('a', '1')")
	if n := pgtest.Value[int](t, url, `SELECT count(*)::int FROM contacts
		WHERE id IS NOT NULL AND created_at IS NOT NULL AND updated_at IS NOT NULL AND retry_count = 0
		  AND hubspot_sync_status = 'New' AND hubspot_processing_status IS NULL`); n != 3 {
		t.Errorf("%d of 3 rows have the defaults", n)
	}
	for _, status := range []string{"hubspot_sync_status", "hubspot_processing_status"} {
		if _, err := pgtest.Connect(t, url).Exec(t.Context(), "UPDATE contacts SET "+status+" = 'queued'"); err == nil {
			t.Errorf("a misspelt %s was taken", status)
		}
	}
	notNull := pgtest.Value[int](t, url, "SELECT count(*)::int FROM pg_attribute WHERE attrelid = 'contacts'::regclass AND attnum > 0 AND attnotnull")
	unique := pgtest.Value[int](t, url, "SELECT count(*)::int FROM pg_index WHERE indrelid = 'contacts'::regclass AND indisunique")
	if notNull != 1 || unique != 1 {
		t.Errorf("%d columns NOT NULL, %d unique indexes; want the primary key alone", notNull, unique)
	}
}

// A version may come into the world after a later one, which some database has
// already.
func TestUpOutOfOrder(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	up(t, url)
	pgtest.Exec(t, url, "DROP TABLE contactsync.sent", "ALTER TABLE contactsync.slots DROP COLUMN forgetful",
		"ALTER TABLE contactsync.cycles DROP COLUMN skipped", "DELETE FROM contactsync.goose_db_version WHERE version_id = 6")
	if result := up(t, url); !slices.Equal(result.Applied, []string{"00006_sent"}) {
		t.Errorf("up did %+v, want the one that was missing", result)
	}
	if err := check(t, url); err != nil {
		t.Errorf("check after: %v", err)
	}
	if undone := down(t, url, true); len(undone) != len(allMigrations) {
		t.Errorf("undone %q", undone)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	list, err := schema.Status(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != len(allMigrations)+1 || slices.ContainsFunc(list, func(v schema.Version) bool { return v.State != schema.Pending }) {
		t.Errorf("before up: %+v", list)
	}
	if pgtest.Value[bool](t, url, "SELECT to_regnamespace('contactsync') IS NOT NULL") {
		t.Error("status changed the database")
	}
	up(t, url)
	pgtest.Exec(t, url, "UPDATE contactsync.installed SET detail = 'older' WHERE kind = 'triggers'",
		"INSERT INTO contactsync.goose_db_version (version_id, is_applied) VALUES (99999, true)")
	list, err = schema.Status(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	var states []string
	for _, v := range list {
		states = append(states, v.Name+" "+string(v.State))
		if v.AppliedAt.IsZero() {
			t.Errorf("%s: no time", v.Name)
		}
	}
	var want []string
	for _, name := range allMigrations {
		want = append(want, name+" applied")
	}
	want = append(want, "99999 unknown", "triggers stale")
	if !slices.Equal(states, want) {
		t.Errorf("got  %q\nwant %q", states, want)
	}
}

func TestBadURLKeepsItsSecret(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"postgres://u:hunter2@127.0.0.1:bad/db", "postgres://u:hunter2@127.0.0.1:1/db"} {
		_, err := schema.Up(t.Context(), url, logger(t))
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("error %v", err)
		}
	}
}
