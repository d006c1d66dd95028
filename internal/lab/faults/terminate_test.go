package faults

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// TestBackendsAreTerminated ends the server's side of each connection in turn:
// the slot's, the listener's, the follower's. The program recovers by itself, and
// its log stays calm.
func TestBackendsAreTerminated(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	first, second := pair(in)
	figures := map[string][]time.Duration{}
	count := 0
	for range scaled(1, 20) {
		for _, whose := range []string{"the slot's", "the listener's", "the follower's"} {
			in.AwaitAsleep()
			leader, follower := first, second
			if second.Is(in.Leader()) {
				leader, follower = second, first
			}
			in.Await("3", `SELECT count(*)::text FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'contactsync/%'`)
			slot, listener := leader.sessions(in)
			pid := map[string]string{
				"the slot's": slot, "the listener's": listener,
				"the follower's": in.Ask(`SELECT pid::text FROM pg_stat_activity WHERE application_name = $1`, follower.name(in)),
			}[whose]
			ended := time.Now()
			in.Exec(`SELECT pg_terminate_backend($1::int)`, pid)
			awaitComplete(in, queue(in, fmt.Sprint("contact", count)))
			figures[whose] = append(figures[whose], time.Since(ended))
			count++
		}
	}
	for whose, times := range figures {
		t.Logf("%s connection is terminated; a contact queued then is synced after: %s", whose, spread(times))
	}
	for _, r := range []*replica{first, second} {
		if n := len(r.Log()); n > 20+15*count {
			t.Errorf("%d lines of log for %d terminations:\n%s", n, count, r.Tail())
		}
		if strings.Contains(strings.Join(r.Log(), "\n"), progtest.GoodKey) {
			t.Error("the key is in the log")
		}
	}
	in.WantEachOnce(count)
}

// TestStartIsTerminated ends the connection of a process that has just started
// and looks whether the schema is its own: it looks again.
func TestStartIsTerminated(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	migrating, err := in.Connect().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := migrating.Exec(t.Context(), `LOCK TABLE contactsync.goose_db_version`); err != nil {
		t.Fatal(err)
	}
	starting := in.Start(in.Env(), "run")
	const waits = `FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'contactsync/%' AND wait_event_type = 'Lock'`
	in.Await("1", `SELECT count(*)::text `+waits)
	in.Exec(`SELECT pg_terminate_backend(pid) ` + waits)
	if err := migrating.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	starting.Wait("leading", 1)
}
