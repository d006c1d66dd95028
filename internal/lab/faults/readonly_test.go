package faults

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// writesAgainWithin is the promise after the database takes writes again. Asserted
// is it with room for a machine that is busy.
const writesAgainWithin = 5 * time.Second

// TestDatabaseIsReadOnly makes every transaction read-only for a while: for all
// sessions at once, by the server's configuration, and for new sessions alone, by
// the database's setting, as those of the programs end. The program goes on by itself, without
// the tick, soon after the end, and its log is calm.
func TestDatabaseIsReadOnly(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		set  string // with a value
		kill bool   // end the programs' sessions then
	}{
		{"the server's configuration", `ALTER SYSTEM SET default_transaction_read_only = %s`, false},
		{"the server's configuration, new sessions", `ALTER SYSTEM SET default_transaction_read_only = %s`, true},
		{"the database's setting, new sessions", `ALTER DATABASE app SET default_transaction_read_only = %s`, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			in, server := installApart(t)
			// In one message, so that it can be taken back while it is in force.
			admin := func(sql string) {
				t.Helper()
				conn, err := pgx.Connect(t.Context(), server.URL)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = conn.Close(t.Context()) }()
				for _, one := range []string{`SET default_transaction_read_only = off`, sql, `SELECT pg_reload_conf()`} {
					if _, err := conn.Exec(t.Context(), one); err != nil {
						t.Fatalf("%s: %v", one, err)
					}
				}
			}
			leader, follower := pair(in)
			awaitComplete(in, queue(in, "before"))
			in.AwaitAsleep()
			in.Exec(`SET default_transaction_read_only = off`) // the app's own session goes on writing
			admin(fmt.Sprintf(test.set, "on"))
			began := time.Now()
			if test.kill {
				in.Exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'contactsync/%'`)
			}
			during := queue(in, "during")
			wait(in, scaled(8*time.Second, time.Minute))
			// Where the leader heard of it late, the contact was sent, and waits to be settled.
			if got := in.Ask(`SELECT hubspot_processing_status::text FROM contacts WHERE email = $1`, during); got != "Queued" && len(in.Sim.Writes()) < 2 {
				t.Fatalf("the contact is %s although nothing can be written", got)
			}
			ended := time.Now()
			admin(fmt.Sprintf(test.set, "off"))
			awaitComplete(in, during)
			recovered := time.Since(ended)
			lines := linesBetween(t, leader.Process, began, ended) + linesBetween(t, follower.Process, began, ended)
			t.Logf("read-only for %v: %d lines of log of both replicas; a contact queued meanwhile is synced %v after the end",
				ended.Sub(began).Round(100*time.Millisecond), lines, recovered.Round(time.Millisecond))
			if recovered > writesAgainWithin+busy {
				t.Errorf("synced %v after the end, want %v", recovered, writesAgainWithin)
			}
			const most = 8 // the end of leading and of listening, and no database to wait on for each
			if lines > most {
				t.Errorf("%d lines of log, want at most %d:\n%s\n%s", lines, most, leader.Tail(), follower.Tail())
			}
			in.WantEachOnce(2)
			if n := in.Ask(`SELECT count(*)::text FROM contactsync.failures`); n != "0" {
				t.Errorf("%s attempts have failed", n)
			}
			in.Await("2 Complete/Complete", progtest.Counts)
		})
	}
}
