package schema_test

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/schema"
	"github.com/scrapersky/contactsync/migrations"
)

var allSteps = []string{"00001_bookkeeping", "contacts", "hubspot columns", "hubspot indexes", "views", "triggers"}

func TestUpOnEmptyDatabase(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	if missing, ok := errors.AsType[*schema.NotMigratedError](check(t, url)); !ok || !slices.Equal(missing.Pending, allSteps[:5]) {
		t.Errorf("check before: %v", missing)
	}
	result := up(t, url)
	if !slices.Equal(result.Applied, allSteps) {
		t.Errorf("up did %+v, want all steps", result)
	}
	if err := check(t, url); err != nil {
		t.Errorf("check after: %v", err)
	}
	if again := up(t, url); again.Applied != nil {
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
	types := pgtest.Value[[]string](t, url, `SELECT array_agg(DISTINCT format_type(atttypid, atttypmod) ORDER BY format_type(atttypid, atttypmod))
		FROM pg_attribute WHERE attrelid = 'contacts'::regclass AND attnum > 0`)
	if want := []string{"integer", "text", "timestamp with time zone", "uuid"}; !slices.Equal(types, want) {
		t.Errorf("the columns are of the types %q, want %q: none of ours", types, want)
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
	needs.Time(t)
	first, err := fs.ReadFile(migrations.FS, "00001_bookkeeping.sql")
	if err != nil {
		t.Fatal(err)
	}
	text := func(up, down string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("-- +goose Up\n" + up + "\n-- +goose Down\n" + down)}
	}
	files := fstest.MapFS{
		"00001_bookkeeping.sql": {Data: first},
		"00003_later.sql":       text("CREATE TABLE contactsync.later (a uuid);", "DROP TABLE contactsync.later;"),
	}
	url := pgtest.Empty(t)
	apply := func() []string {
		t.Helper()
		result, err := schema.UpWith(t.Context(), url, hubspotAlone, files, logger(t))
		if err != nil {
			t.Fatal(err)
		}
		return result.Applied
	}
	if applied := apply(); !slices.Contains(applied, "00003_later") {
		t.Errorf("applied %q", applied)
	}
	files["00002_landed.sql"] = text("CREATE TABLE contactsync.landed (a int);", "DROP TABLE contactsync.landed;")
	if applied := apply(); !slices.Equal(applied, []string{"00002_landed"}) {
		t.Errorf("applied %q, want the one that was missing", applied)
	}
	if err := check(t, url); err != nil {
		t.Errorf("a program that does not know them: %v", err)
	}
	undone, err := schema.DownWith(t.Context(), url, hubspotAlone, files, logger(t))
	if err != nil || !slices.Equal(undone, []string{"hubspot", "contacts", "00002_landed", "00003_later", "00001_bookkeeping"}) {
		t.Errorf("undone %q: %v", undone, err)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	list, err := schema.Status(t.Context(), url, hubspotAlone)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != len(allSteps) || slices.ContainsFunc(list, func(v schema.Version) bool { return v.State != schema.Pending }) {
		t.Errorf("before up: %+v", list)
	}
	if pgtest.Value[bool](t, url, "SELECT to_regnamespace('contactsync') IS NOT NULL") {
		t.Error("status changed the database")
	}
	up(t, url)
	pgtest.Exec(t, url, "UPDATE contactsync.installed SET detail = 'older' WHERE kind = 'triggers'",
		"INSERT INTO contactsync.goose_db_version (version_id, is_applied) VALUES (99999, true)")
	list, err = schema.Status(t.Context(), url, hubspotAlone)
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
	want := []string{
		"00001_bookkeeping applied", "99999 unknown", "contacts applied", "hubspot columns applied", "hubspot indexes applied",
		"views applied", "triggers stale",
	}
	if !slices.Equal(states, want) {
		t.Errorf("got  %q\nwant %q", states, want)
	}
}

func TestBadURLKeepsItsSecret(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"postgres://u:hunter2@127.0.0.1:bad/db", "postgres://u:hunter2@127.0.0.1:1/db"} {
		_, err := schema.Up(t.Context(), url, hubspotAlone, logger(t))
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("error %v", err)
		}
	}
}
