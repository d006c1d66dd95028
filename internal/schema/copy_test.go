package schema_test

import (
	"bytes"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/lab/postgres"
	"github.com/scrapersky/contactsync/internal/schema"
)

// twoDatabases are on one server, which takes what pg_dump has of one to the other.
func twoDatabases(t *testing.T, settings map[string]string) (from, to string) {
	t.Helper()
	needs.Program(t, needs.PgDump)
	needs.Program(t, needs.Psql)
	server := pgtest.Own(t, postgres.Options{Kind: postgres.Local, Settings: settings})
	pgtest.Exec(t, server.URL, "CREATE DATABASE first", "CREATE DATABASE second")
	return withDatabase(t, server.URL, "first"), withDatabase(t, server.URL, "second")
}

// dump copies a database, as people do: psql goes on after an error, and what it said is
// returned.
func dump(t *testing.T, from, to string, flags ...string) (complaints string) {
	t.Helper()
	dumped, err := exec.CommandContext(t.Context(), needs.Program(t, needs.PgDump), append(flags, "-d", from)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return restore(t, to, dumped)
}

func restore(t *testing.T, to string, dumped []byte) (complaints string) {
	t.Helper()
	var said bytes.Buffer
	psql := exec.CommandContext(t.Context(), needs.Program(t, needs.Psql), "-X", "-q", "-d", to)
	psql.Env = append(os.Environ(), "PGOPTIONS=--client-min-messages=warning")
	psql.Stdin, psql.Stderr = bytes.NewReader(dumped), &said
	if err := psql.Run(); err != nil {
		t.Fatal(err)
	}
	return said.String()
}

// Copies of a database as pg_dump makes them: each is taken over by `up`, works, and goes
// back by `down --all`, before `up` as well.
func TestCopies(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	from, to := twoDatabases(t, nil)
	tests := []struct {
		name  string
		flags []string
		table []string // of the app; nil: `up` creates it
		alone bool     // the copy has nothing of contactsync's own
	}{
		{name: "the schema alone", flags: []string{"-s"}},
		{name: "the schema alone, of an app's table", flags: []string{"-s"}, table: wideTable()},
		{name: "without the rows of contactsync", flags: []string{"--exclude-table-data=contactsync.*"}, table: wideTable()},
		{name: "one schema", flags: []string{"-n", "public"}, alone: true},
		{name: "one schema, of an app's table", flags: []string{"-n", "public"}, table: wideTable(), alone: true},
		{name: "one table", flags: []string{"-t", "contacts"}, alone: true},
		{name: "everything", flags: nil},
	}
	for _, test := range tests { //nolint:paralleltest // they share two databases
		for _, first := range []string{"up", "down"} {
			t.Run(test.name+", "+first, func(t *testing.T) {
				for _, url := range []string{from, to} {
					pgtest.Exec(t, url, "DROP SCHEMA IF EXISTS contactsync CASCADE", "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
				}
				pgtest.Exec(t, from, test.table...)
				up(t, from)
				pgtest.Exec(t, from, "INSERT INTO contacts (id, email, hubspot_processing_status) VALUES (gen_random_uuid(), 'a@example.org', 'Queued')")
				before := dump(t, from, to, test.flags...)
				if !pgtest.Value[bool](t, to, "SELECT to_regclass('contacts') IS NOT NULL") {
					t.Fatalf("the copy has no table contacts:\n%s", before)
				}
				if !test.alone && before != "" {
					t.Errorf("psql says\n%s", before)
				}
				if first == "up" {
					if len(test.flags) > 0 {
						if err := check(t, to); err == nil || !strings.Contains(err.Error(), "contactsync migrate up") {
							t.Errorf("check before up: %v", err)
						}
					}
					up(t, to)
					if err := check(t, to); err != nil {
						t.Errorf("check after up: %v", err)
					}
					queued := pgtest.Value[int](t, to, "SELECT queued::int FROM contactsync.status")
					pgtest.Exec(t, to, "INSERT INTO contacts (id, email) VALUES (gen_random_uuid(), 'b@example.org')", "UPDATE contacts SET hubspot_processing_status = 'Queued' WHERE email = 'b@example.org'")
					if n := pgtest.Value[int](t, to, "SELECT queued::int FROM contactsync.status"); n != queued+1 {
						t.Errorf("%d are queued, want %d", n, queued+1)
					}
					pgtest.Exec(t, to, "DELETE FROM contacts")
				} else if test.alone {
					return // there is nothing to take back
				} else {
					pgtest.Exec(t, to, "DELETE FROM contacts")
				}
				if _, err := schema.Down(t.Context(), to, hubspotAlone, true, logger(t)); err != nil {
					t.Fatal(err)
				}
				left := slices.DeleteFunc(everythingThere(t, to), func(thing string) bool { return !strings.Contains(thing, "contactsync") })
				if len(left) > 0 {
					t.Errorf("down --all left\n%s", strings.Join(left, "\n"))
				}
				up(t, to)
			})
		}
	}
}

// A copy whose own tables hold rows, but not which version they are of, is a person's to
// judge, and what is printed helps.
func TestACopyWithSomeRows(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.New(t)
	pgtest.Exec(t, url, "TRUNCATE contactsync.installed, contactsync.goose_db_version", "INSERT INTO contactsync.failures (code) VALUES ('OTHER')")
	before := everythingThere(t, url)
	for what, err := range map[string]error{
		"up":   func() error { _, err := schema.Up(t.Context(), url, hubspotAlone, logger(t)); return err }(),
		"down": func() error { _, err := schema.Down(t.Context(), url, hubspotAlone, true, logger(t)); return err }(),
	} {
		unsuitable(t, err, "schema contactsync is a copy without the record of its versions", "contactsync.failures holds rows")
		leftNothing(t, url, before)
		if what == "up" {
			defer func() {
				pgtest.Exec(t, url, statements(remedies(t, err))...)
				up(t, url)
				if err := check(t, url); err != nil {
					t.Error(err)
				}
			}()
		}
	}
}
