package pgtest_test

import (
	"os"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func TestDatabasesAreApart(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	first, second, empty := pgtest.New(t), pgtest.New(t), pgtest.Empty(t)
	pgtest.Exec(t, first, "INSERT INTO contacts (email) VALUES ('a@example.org')")
	if n := pgtest.Value[int](t, first, "SELECT count(*)::int FROM contacts"); n != 1 {
		t.Errorf("the first database has %d contacts, want 1", n)
	}
	if n := pgtest.Value[int](t, second, "SELECT count(*)::int FROM contacts"); n != 0 {
		t.Errorf("the second database has %d contacts, want 0", n)
	}
	if pgtest.Value[bool](t, empty, "SELECT to_regclass('contacts') IS NOT NULL") {
		t.Error("the empty database has contacts")
	}
}

func TestDatabasesGo(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	var name string
	t.Run("make", func(t *testing.T) {
		url := pgtest.Empty(t)
		name = pgtest.Value[string](t, url, "SELECT current_database()::text")
	})
	if pgtest.Value[bool](t, pgtest.Empty(t), "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name) {
		t.Errorf("database %s outlived its test", name)
	}
}
