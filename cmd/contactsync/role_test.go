package main

import (
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// All tests of this package run the program as a role that may do its work and
// nothing else. This one makes sure of that, and does in one go what takes the
// most rights: rescue, failure, retry and every command.
func TestTheWorkersRoleIsEnough(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	worker := pgtest.Connect(t, in.Worker)
	var super bool
	if err := worker.QueryRow(t.Context(), `SELECT rolsuper OR EXISTS (SELECT FROM pg_class WHERE relowner = r.oid) FROM pg_roles r WHERE rolname = current_user`).Scan(&super); err != nil || super {
		t.Fatalf("the test is void: the programs' role is no ordinary one: %v", err)
	}

	// Three contacts are in flight when their leader is killed.
	in.Sim.Inject(hubspotsim.Fault{Path: "batch/upsert", Mode: hubspotsim.Hang, Times: 1})
	first := in.Start(in.Env(), "run")
	first.Wait("leading", 1)
	in.Queue(3)
	first.Wait("Processing contact", 3)
	in.Exec(`INSERT INTO contacts (email, name, hubspot_processing_status) VALUES ('nonsense', 'Bad', 'Queued')`)
	first.Kill()
	in.Sim.ClearFaults()                                                                 // whether its request had arrived by then or not
	in.Exec(`UPDATE contactsync.claims SET claimed_at = claimed_at - interval '1 hour'`) // the quarantine is over
	second := in.Start(in.Env(), "run")
	in.Await("3 Complete/Complete, 1 Error/Error", progtest.Counts)
	if n := in.Ask(`SELECT string_agg(DISTINCT code, ' ' ORDER BY code) FROM contactsync.failures`); n != "INVALID_EMAIL WORKER_STOPPED" {
		t.Errorf("failures %s", n)
	}

	if out := in.Must("status"); !strings.Contains(out, "1 contact is in Error") {
		t.Errorf("status:\n%s", out)
	}
	in.Exec(`UPDATE contacts SET email = 'mended@example.org' WHERE email = 'nonsense'`)
	in.Must("retry", "--all")
	in.Await("4 Complete/Complete", progtest.Counts)
	in.Must("queue", "c1@example.org")
	in.Must("sync", "c2@example.org")
	in.Must("migrate", "status")
	if code := second.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	in.Exec(`UPDATE contacts SET hubspot_processing_status = 'Queued'`)
	in.Must("run", "--once")
	in.Await("4", `SELECT count(*)::text FROM contacts WHERE hubspot_processing_status = 'Complete'`)
	if lines := strings.Join(append(first.Log(), second.Log()...), "\n"); strings.Contains(lines, "permission denied") {
		t.Errorf("the database denied something:\n%s", lines)
	}

	for _, args := range [][]string{{"migrate", "down"}, {"migrate", "grant", "postgres"}} {
		_, errs, code := in.Command(in.Env(), args...)
		if code != 1 || !strings.Contains(errs, "the role that owns contacts") || !strings.Contains(errs, "contactsync migrate grant") {
			t.Errorf("%v as the worker: exit code %d, want 1 and the remedy:\n%s", args, code, errs)
		}
	}
	in.AsOwner().Must("migrate", "down")
	if _, errs, code := in.Command(in.Env(), "migrate", "up"); code != 1 || !strings.Contains(errs, "the role that owns contacts") {
		t.Errorf("migrate up as the worker: exit code %d, want 1 and the remedy:\n%s", code, errs)
	}
}

// A role that was granted nothing is told how it gets what it needs.
func TestARoleWithoutRights(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	role, stranger := pgtest.Role(t, in.URL)
	env := in.Env("DATABASE_URL=" + stranger)
	for _, args := range []string{"run", "run --once", "status", "retry --all", "sync a@example.org"} {
		_, errs, code := in.Command(env, strings.Fields(args)...)
		if code != 1 || !strings.Contains(errs, "contactsync migrate grant") {
			t.Errorf("%s: exit code %d, want 1 and the remedy:\n%s", args, code, errs)
		}
	}
	_, errs, code := in.AsOwner().Command(in.AsOwner().Env(), "migrate", "grant", "no_such_role")
	if code != 1 || !strings.Contains(errs, `CREATE ROLE "no_such_role"`) {
		t.Errorf("a role that is not there: exit code %d, want 1 and how to make it:\n%s", code, errs)
	}

	if out := in.AsOwner().Must("migrate", "grant", "--read-only", role); !strings.Contains(out, "reader") {
		t.Errorf("grant says %q", out)
	}
	if out, errs, code := in.Command(env, "status"); code != 0 {
		t.Errorf("status as a reader: exit code %d\n%s%s", code, out, errs)
	}
	if _, errs, code := in.Command(env, "queue", "a@example.org"); code != 1 {
		t.Errorf("a reader may queue:\n%s", errs)
	}
	in.AsOwner().Must("migrate", "grant", role)
	in.Queue(1)
	if _, errs, code := in.Command(env, "run", "--once"); code != 0 {
		t.Errorf("run --once as a worker: exit code %d\n%s", code, errs)
	}
}

// What --sql prints is what grant does, ready for psql, and needs no database.
func TestGrantAsText(t *testing.T) {
	t.Parallel()
	out, _, code := inProcess(t, nil, "migrate", "grant", "--sql", `o'dd"`)
	if code != 0 || !strings.Contains(out, `TO "o'dd""";`) || !strings.Contains(out, `'o''dd"'`) || strings.Contains(out, ":'role'") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}
