package main

import (
	"net/url"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
)

func TestMigrate(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	env := map[string]string{"DATABASE_URL": pgtest.Empty(t)}
	steps := []struct {
		args string
		code int
		out  string // a part of what is printed on either
	}{
		{"migrate status", 0, "pending"},
		{"migrate down", 0, "nothing to undo"},
		{"status", 1, "run `contactsync migrate up`"},
		{"retry --all", 1, "run `contactsync migrate up`"},
		{"migrate up", 0, "applied triggers"},
		{"migrate up", 0, "up to date"},
		{"migrate status", 0, "triggers"},
		{"retry --all", 0, "0 contacts queued"},
		{"migrate down", 0, "undone"},
		{"status", 1, "run `contactsync migrate up`"},
		{"migrate up", 0, "applied"},
		{"migrate down --all", 0, "undone 00001"},
		{"migrate down --all", 0, "nothing to undo"},
	}
	for _, step := range steps {
		stdout, stderr, code := inProcess(t, env, strings.Fields(step.args)...)
		if code != step.code || !strings.Contains(stdout+stderr, step.out) {
			t.Fatalf("%s: exit code %d, want %d and %q\nstdout %s\nstderr %s", step.args, code, step.code, step.out, stdout, stderr)
		}
	}
}

func TestMigrateStatusWhenCurrent(t *testing.T) {
	t.Parallel()
	stdout, stderr, code := inProcess(t, map[string]string{"DATABASE_URL": pgtest.New(t)}, "migrate", "status")
	if code != 0 || strings.Contains(stdout, "pending") || strings.Count(stdout, "applied") < 4 {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
}

func TestMigrateGoesPastThePooler(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	env := map[string]string{"DATABASE_URL": "postgres://nobody@127.0.0.1:1/pooled", "DATABASE_DIRECT_URL": pgtest.New(t)}
	if stdout, stderr, code := inProcess(t, env, "migrate", "up"); code != 0 || stdout != "up to date\n" {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
}

func TestNoSuchDatabase(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(pgtest.Empty(t))
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/no_such_database"
	for _, args := range []string{"migrate up", "migrate status", "status", "queue a@example.org"} {
		_, stderr, code := inProcess(t, map[string]string{"DATABASE_URL": u.String()}, strings.Fields(args)...)
		if code != 1 || !strings.Contains(stderr, "tried "+u.Host+"/no_such_database as user "+u.User.Username()) ||
			!strings.Contains(stderr, "the database does not exist; create it") {
			t.Errorf("%s: exit code %d\n%s", args, code, stderr)
		}
	}
}

// What up adds is listed before and after, and a refusal is told with what to do.
func TestMigrateUpLooksFirst(t *testing.T) {
	t.Parallel()
	db := pgtest.Empty(t)
	env := map[string]string{"DATABASE_URL": db}
	pgtest.Exec(t, db, "CREATE SCHEMA app", "CREATE TABLE app.contacts (id bigint PRIMARY KEY, mail text, name text)")
	steps := []struct {
		args, table string
		code        int
		out         string // a part of what is printed on either
	}{
		{"migrate up", "", 1, "CONTACTS_TABLE=app.contacts"},
		{"migrate up --dry-run", "app.contacts", 1, "would add column hubspot_sync_status of app.contacts, text DEFAULT 'New'"},
		{"migrate up", "app.contacts", 1, "set CONTACTS_COLUMNS=email:mail"},
		{"migrate up --dry-run --yes", "app.contacts", 0, "would add triggers on app.contacts"},
		{"migrate status", "app.contacts", 0, "pending"},
		{"migrate up --yes", "app.contacts", 0, "added column email of app.contacts, text"},
		{"migrate up", "app.contacts", 0, "up to date"},
		{"migrate down --all", "app.contacts", 0, "undone"},
		{"migrate up --create", "", 0, "added table public.contacts"},
	}
	for _, step := range steps {
		env["CONTACTS_TABLE"] = step.table
		stdout, stderr, code := inProcess(t, env, strings.Fields(step.args)...)
		if code != step.code || !strings.Contains(stdout+stderr, step.out) {
			t.Fatalf("%s: exit code %d, want %d and %q\nstdout %s\nstderr %s", step.args, code, step.code, step.out, stdout, stderr)
		}
		if strings.Contains(step.args, "--dry-run") && pgtest.Value[bool](t, db, "SELECT to_regnamespace('contactsync') IS NOT NULL") {
			t.Errorf("%s changed something", step.args)
		}
	}
}
