package main_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// hostile are settings that people give their roles and databases, each of which would
// break a program that relies on the default.
var hostile = []string{
	"standard_conforming_strings = off", "client_encoding = 'LATIN1'", "datestyle = 'SQL, DMY'", "intervalstyle = 'sql_standard'", "bytea_output = 'escape'",
	"extra_float_digits = -10", "timezone = 'Asia/Kathmandu'", "default_transaction_isolation = 'serializable'", "default_transaction_deferrable = on",
	"statement_timeout = '400ms'", "lock_timeout = '1ms'", "idle_in_transaction_session_timeout = '100ms'", "idle_session_timeout = '1s'",
	"row_security = off", "search_path = ''",
}

// All of the program works in a database with hostile settings: migrate, run, the
// commands, status and doctor. The table is named with its schema, because search_path
// does not lead to it.
func TestHostileSettings(t *testing.T) {
	t.Parallel()
	in := progtest.InstallOn(t, pgtest.Empty(t))
	in.Exec(`CREATE TABLE contacts (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text, name text, page_id uuid, domain_id uuid, phone_number text, job text)`)
	in.Exec(`INSERT INTO contacts (email, name) VALUES ('jiri@example.org', 'Jiří 王'), ('ada@example.org', 'Ada')`)
	name := in.Ask(`SELECT quote_ident(current_database())`)
	for _, setting := range hostile {
		in.Exec(fmt.Sprintf("ALTER DATABASE %s SET %s", name, setting))
	}
	env := in.Env("CONTACTS_TABLE=public.contacts")
	run := func(args ...string) string {
		t.Helper()
		out, errs, code := in.Command(env, args...)
		if code != 0 {
			t.Fatalf("%v: exit code %d:\n%s%s", args, code, out, errs)
		}
		return out
	}
	run("migrate", "up")
	p := in.Start(env, "run")
	in.Exec(`UPDATE contacts SET hubspot_processing_status = 'Queued' WHERE email = 'jiri@example.org'`)
	in.Await("Complete", `SELECT hubspot_processing_status::text FROM contacts WHERE email = 'jiri@example.org'`)
	run("queue", "ada@example.org")
	in.Await("Complete", `SELECT hubspot_processing_status::text FROM contacts WHERE email = 'ada@example.org'`)
	run("sync", "ada@example.org")
	in.AwaitAsleep()
	if out := run("status"); !strings.HasPrefix(out, "Healthy: ") {
		t.Errorf("status says\n%s", out)
	}
	if out := run("doctor"); !strings.Contains(out, " 0 failed, 0 not checked") {
		t.Errorf("doctor says\n%s", out)
	}
	for _, w := range in.Sim.Writes() {
		if w.Email == "jiri@example.org" && w.Properties["lastname"] != "王" {
			t.Errorf("HubSpot got %q", w.Properties)
		}
	}
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	run("migrate", "down", "--all")
}

// A database that is not in UTF8 is refused at once, with the reason and the remedy,
// whatever the command.
func TestOtherEncodings(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"LATIN1", "SQL_ASCII"} {
		t.Run(encoding, func(t *testing.T) {
			t.Parallel()
			in := progtest.InstallOn(t, pgtest.Empty(t))
			name := in.Ask(`SELECT current_database() || '_' || $1`, strings.ToLower(encoding))
			in.Exec(fmt.Sprintf(`CREATE DATABASE "%s" ENCODING '%s' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'`, name, encoding))
			t.Cleanup(func() {
				ctx := context.WithoutCancel(t.Context())
				conn, err := pgx.Connect(ctx, in.URL)
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close(ctx)
				if _, err := conn.Exec(ctx, fmt.Sprintf(`DROP DATABASE "%s" WITH (FORCE)`, name)); err != nil {
					t.Error(err)
				}
			})
			at, err := url.Parse(in.URL)
			if err != nil {
				t.Fatal(err)
			}
			at.Path = "/" + name
			for _, command := range [][]string{{"migrate", "up"}, {"run"}, {"status"}, {"doctor"}} {
				out, errs, code := in.Command(in.Env("DATABASE_URL="+at.String()), command...)
				if code != 1 || !strings.Contains(out+errs, "the database's encoding is "+encoding+", and contactsync works with UTF8 alone") || !strings.Contains(out+errs, "ENCODING 'UTF8' TEMPLATE template0") {
					t.Errorf("%v: exit code %d:\n%s%s", command, code, out, errs)
				}
			}
		})
	}
}

// A parameter that the server does not know is named at once, not after a minute.
func TestUnknownSettingInTheURL(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	for _, parameter := range []string{"nonsense=1", "work_mem=soon"} {
		for _, command := range [][]string{{"run"}, {"status"}} {
			_, errs, code := in.Command(in.Env("DATABASE_URL="+in.Worker+"&"+parameter), command...)
			name, _, _ := strings.Cut(parameter, "=")
			if code != 1 || !strings.Contains(errs, `parameter "`+name+`"`) || strings.Contains(errs, "trying again") {
				t.Errorf("%v: exit code %d:\n%s", command, code, errs)
			}
		}
	}
}

// A role whose connections are used up is told from a full server, with how many it
// takes.
func TestRolesConnectionLimit(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	role, as := pgtest.Role(t, in.URL)
	in.Exec(fmt.Sprintf(`ALTER ROLE "%s" CONNECTION LIMIT 0`, role))
	_, errs, code := in.Command(in.Env("DATABASE_URL="+as), "status")
	if code != 1 || !strings.Contains(errs, "the role's CONNECTION LIMIT is reached") || !strings.Contains(errs, "a leader takes 2 connections") {
		t.Errorf("exit code %d:\n%s", code, errs)
	}
}

// A login that is another role by ALTER ROLE ... SET role works, and doctor speaks of
// the role whose rights count.
func TestLoginThatIsAnotherRole(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	worker, err := url.Parse(in.Worker)
	if err != nil {
		t.Fatal(err)
	}
	login, asLogin := pgtest.Role(t, in.URL)
	in.Exec(fmt.Sprintf(`GRANT "%s" TO "%s"`, worker.User.Username(), login))
	in.Exec(fmt.Sprintf(`ALTER ROLE "%s" SET role = '%s'`, login, worker.User.Username()))
	env := in.Env("DATABASE_URL=" + asLogin)
	p := in.Start(env, "run")
	in.Queue(1)
	in.Await("1 Complete/Complete", progtest.Counts)
	in.AwaitAsleep()
	out, errs, code := in.Command(env, "doctor")
	if code != 0 || !strings.Contains(out, "this role may do all that a worker does") {
		t.Errorf("exit code %d:\n%s%s", code, out, errs)
	}
	// The rights are those in this test's own database.
	in.Exec(fmt.Sprintf(`REVOKE UPDATE ON contactsync.claims FROM "%s"`, worker.User.Username()))
	if out, _, code := in.Command(env, "doctor"); code != 1 || !strings.Contains(out, "role "+worker.User.Username()+" lacks: UPDATE on contactsync.claims") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	p.Stop()
}
