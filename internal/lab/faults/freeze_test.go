package faults

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// anotherLeads is the promise for a leader that is frozen: the server's lease is
// 15 s. Asserted is it with room for a machine that is busy.
const anotherLeads = 20 * time.Second

// thaw lets a frozen leader go on and checks that it does nothing any more as a
// leader: it writes nothing, sends nothing and queues for the slot again.
func thaw(t *testing.T, in *progtest.Installation, frozen *replica, name string, stopped time.Time) {
	t.Helper()
	in.Exec(`INSERT INTO contacts (email, name, hubspot_processing_status) SELECT 'later' || i || '@example.org', 'Name', 'Queued' FROM generate_series(1, 5) i`)
	woken := time.Now()
	frozen.Signal(syscall.SIGCONT)
	frozen.Wait("lost the slot", 1)
	frozen.Wait("waiting for a slot", 1)
	in.Await("0", `SELECT count(*)::text FROM contacts WHERE email LIKE 'later%' AND hubspot_processing_status <> 'Complete'`)
	if n := wrote(in, name, stopped); n != 0 {
		t.Errorf("the frozen one wrote %d rows after it was stopped", n)
	}
	if n := frozen.sentSince(woken); n != 0 {
		t.Errorf("the frozen one sent %d requests after it woke", n)
	}
	t.Logf("it waits for a slot %v after it woke", since(t, woken, frozen.Saw("waiting for a slot")[0]).Round(time.Millisecond))
}

// TestLeaderIsFrozen stops the leader's process while it sleeps. The kernel goes
// on acknowledging for it; only the server's own clock notices.
func TestLeaderIsFrozen(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	leader, follower := pair(in, "HUBSPOT_TIMEOUT=1s")
	audit(in)
	name := leader.name(in)
	stopped := time.Now()
	leader.freeze()
	email := queue(in, "meanwhile")
	led := since(t, stopped, follower.Wait("leading", 1)[0])
	awaitComplete(in, email)
	t.Logf("another leads %v after SIGSTOP; the contact queued then is synced %v after it", led.Round(time.Millisecond), time.Since(stopped).Round(time.Millisecond))
	if led > anotherLeads+busy {
		t.Errorf("another leads after %v, want %v", led, anotherLeads)
	}
	wait(in, scaled(0, time.Minute-time.Since(stopped)))
	thaw(t, in, leader, name, stopped)
	oneLeader(in, leader, follower)
}

// TestLeaderIsFrozenInARequest stops the leader while HubSpot has its request:
// what was in flight is quarantined and then sent by another.
func TestLeaderIsFrozenInARequest(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	leader, follower := pair(in, "HUBSPOT_TIMEOUT=1s")
	audit(in)
	name := leader.name(in)
	frozen := make(chan time.Time, 1)
	end := in.Sim.OnArrival(func(r hubspotsim.Request) {
		if strings.HasSuffix(r.Path, "batch/upsert") && len(frozen) == 0 {
			leader.freeze()
			frozen <- time.Now()
		}
	})
	email := queue(in, "inflight")
	stopped := <-frozen
	end()
	led := since(t, stopped, follower.Wait("leading", 1)[0])
	awaitComplete(in, email)
	t.Logf("another leads %v after SIGSTOP; the contact in flight is synced %v after it", led.Round(time.Millisecond), time.Since(stopped).Round(time.Millisecond))
	if led > anotherLeads+busy {
		t.Errorf("another leads after %v, want %v", led, anotherLeads)
	}
	if got := in.Ask(`SELECT hubspot_error_code IS NULL || ' ' || retry_count FROM contacts WHERE email = $1`, email); got != "true 1" {
		t.Errorf("the contact in flight has %q, want no error and one attempt spent", got)
	}
	wait(in, scaled(0, time.Minute-time.Since(stopped)))
	thaw(t, in, leader, name, stopped)
	oneLeader(in, leader, follower)
}

// TestLeaderIsFrozenInAStatement stops the leader while its claim waits in the
// server, and lets the claim succeed then: a small answer, which the kernel takes
// for the frozen process, and one of several megabytes, which it does not.
func TestLeaderIsFrozenInAStatement(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		length int // of each contact's name
	}{{"small answer", 10}, {"large answer", 50_000}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			const contacts = 200
			in := progtest.Install(t)
			// Megabytes take a busy machine their time.
			leader, follower := pair(in, "HUBSPOT_TIMEOUT=10s", "HUBSPOT_SYNC_RETRY_DELAY_MINUTES=1s", "HUBSPOT_SYNC_SCHEDULER_BATCH_SIZE=1000")
			audit(in)
			name := leader.name(in)
			slot, _ := leader.sessions(in)
			strangers := lockTable(in, "contactsync.claims")
			in.Exec(`INSERT INTO contacts (email, name, hubspot_processing_status)
				SELECT 'c' || i || '@example.org', repeat('x', $2::int), 'Queued' FROM generate_series(1, $1::int) i`, contacts, test.length)
			in.Await("Lock", `SELECT wait_event_type FROM pg_stat_activity WHERE pid = `+slot)
			stopped := time.Now()
			leader.freeze()
			strangers()
			in.Await(strconv.Itoa(contacts), `SELECT count(*)::text FROM contactsync.claims`)
			claimed := time.Now()
			led := since(t, stopped, follower.Wait("leading", 1)[0])
			t.Logf("another leads %v after SIGSTOP", led.Round(time.Millisecond))
			if led > anotherLeads+busy {
				t.Errorf("another leads after %v, want %v", led, anotherLeads)
			}
			in.AwaitFor(3*progtest.Patience, "0", `SELECT count(*)::text FROM contacts WHERE hubspot_processing_status <> 'Complete'`)
			thaw(t, in, leader, name, claimed)
			oneLeader(in, leader, follower)
		})
	}
}

// TestFollowerIsFrozen stops a follower while it waits in the server's queue for
// the slot, so that the slot falls to it when the leader goes. The server takes
// it back; the follower never leads.
func TestFollowerIsFrozen(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	leader, frozen := pair(in, "HUBSPOT_TIMEOUT=1s")
	audit(in)
	name := frozen.name(in)
	waiting := fmt.Sprintf(`FROM pg_stat_activity
		WHERE application_name = '%s' AND wait_event_type = 'Lock' AND wait_event = 'advisory'`, name)
	const nobody = ""
	session := nobody // which waits
	for session == nobody {
		in.Await("1", `SELECT count(*)::text `+waiting)
		frozen.freeze()
		if session = in.Ask(`SELECT coalesce(max(pid)::text, '') ` + waiting); session == nobody {
			frozen.Signal(syscall.SIGCONT) // it was between two waits
		}
	}
	stopped := time.Now()
	if code := leader.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	fell := in.Ask(`SELECT coalesce(max(application_name), 'nobody') FROM pg_stat_activity WHERE pid::text = $1`, holder(in)) == name
	third := startReplica(in, "HUBSPOT_TIMEOUT=1s")
	email := queue(in, "meanwhile")
	led := since(t, stopped, third.Wait("leading", 1)[0])
	awaitComplete(in, email)
	t.Logf("the slot fell to the frozen follower: %t; another leads %v after the leader's end", fell, led.Round(time.Millisecond))
	if led > anotherLeads+busy {
		t.Errorf("another leads after %v, want %v", led, anotherLeads)
	}
	// Where its wait was over before the leader went, another leads at once, and the
	// server has not ended its session yet.
	in.Await("0", fmt.Sprintf(`SELECT count(*)::text FROM pg_stat_activity WHERE pid = %s`, session))
	frozen.Signal(syscall.SIGCONT)
	frozen.Wait("the database connection to wait for a slot is back", 1)
	if n := len(frozen.Saw("leading")); n != 0 {
		t.Error("the follower led after it woke")
	}
	if n := wrote(in, name, stopped); n != 0 {
		t.Errorf("the follower wrote %d rows", n)
	}
	oneLeader(in, leader, frozen, third)
}
