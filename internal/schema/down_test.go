package schema_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/schema"
)

func down(t *testing.T, url string, all bool) []string {
	t.Helper()
	undone, err := schema.Down(t.Context(), url, hubspotAlone, all, logger(t))
	if err != nil {
		t.Fatal(err)
	}
	return undone
}

// backwards are the steps that Down undoes.
var backwards = []string{"hubspot", "contacts", "00001_bookkeeping"}

func TestUpDownUp(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	up(t, url)
	first := strings.Join(append(columns(t, url), indexes(t, url)...), "\n")
	if undone := down(t, url, true); !slices.Equal(undone, backwards) {
		t.Errorf("undone %q", undone)
	}
	if pgtest.Value[bool](t, url, "SELECT to_regclass('contacts') IS NOT NULL OR to_regnamespace('contactsync') IS NOT NULL") {
		t.Error("down --all left something")
	}
	if undone := down(t, url, true); undone != nil {
		t.Errorf("undone twice: %q", undone)
	}
	up(t, url)
	if second := strings.Join(append(columns(t, url), indexes(t, url)...), "\n"); second != first {
		t.Errorf("the second up made\n%s\nthe first\n%s", second, first)
	}
	if err := check(t, url); err != nil {
		t.Error(err)
	}
}

func TestDownStepByStep(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	pgtest.Exec(t, url, tableWithStatus()...)
	before := columns(t, url)
	up(t, url)
	for _, step := range backwards {
		if undone := down(t, url, false); !slices.Equal(undone, []string{step}) {
			t.Errorf("undone %q, want %s", undone, step)
		}
		if pgtest.Value[bool](t, url, "SELECT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'contacts'::regclass)") {
			t.Errorf("triggers are there after %s was undone", step)
		}
		if check(t, url) == nil {
			t.Errorf("check is content after %s was undone", step)
		}
		// An app can write at every step, and so can a step forth and back again.
		pgtest.Exec(t, url, "UPDATE contacts SET email = 'x' || email")
		up(t, url)
		for undone := ""; undone != step; {
			undone = down(t, url, false)[0]
		}
	}
	if undone := down(t, url, false); undone != nil {
		t.Errorf("undone %q beyond the first", undone)
	}
	if !slices.Equal(columns(t, url), before) {
		t.Errorf("columns %q, were %q", columns(t, url), before)
	}
}

// Contacts are the app's, even in a table that contactsync made.
func TestDownKeepsContacts(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	up(t, url)
	pgtest.Exec(t, url, "INSERT INTO contacts (email) VALUES ('precious@example.org')")
	_, err := schema.Down(t.Context(), url, hubspotAlone, true, logger(t))
	unsuitable(t, err, "move the rows of public.contacts elsewhere and empty it, then try again")
	if sql := statements(remedies(t, err)); len(sql) > 0 {
		t.Errorf("to be pasted: %q, want nothing that deletes contacts", sql)
	}
	if err := check(t, url); err != nil {
		t.Errorf("a refused down has begun: %v", err)
	}
	if n := pgtest.Value[int](t, url, "SELECT count(*)::int FROM contacts"); n != 1 {
		t.Fatalf("%d contacts are left", n)
	}
	up(t, url) // and back, if that was not meant
	if err := check(t, url); err != nil {
		t.Error(err)
	}
	pgtest.Exec(t, url, "CREATE TABLE elsewhere AS TABLE contacts", "DELETE FROM contacts")
	down(t, url, true)
}

// What others put into schema contactsync, or made depend on it, is theirs.
func TestDownTakesNothingForeignAlong(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	up(t, url)
	pgtest.Exec(t, url, "CREATE TABLE contactsync.mine (a int)")
	if _, err := schema.Down(t.Context(), url, hubspotAlone, true, logger(t)); err == nil || !strings.Contains(err.Error(), "depend") {
		t.Errorf("error %v, want the server's refusal", err)
	}
	pgtest.Exec(t, url, "DROP TABLE contactsync.mine")
	down(t, url, true)
	if pgtest.Value[bool](t, url, "SELECT to_regnamespace('contactsync') IS NOT NULL") {
		t.Error("the schema is still there")
	}
}
