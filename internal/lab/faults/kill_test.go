package faults

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// death kills the leader at one point of its cycle. It queues the contact that is
// to be under way, brings the leader to that point and answers when it was
// killed.
type death struct {
	name     string
	kill     func(t *testing.T, in *progtest.Installation, leader *replica, email string) time.Time
	inFlight bool // the contact is claimed then
	writes   int  // how often HubSpot has written it in the end
}

var deaths = []death{
	{"before the claim", killBeforeClaim, false, 1},
	{"after the claim, before the request", killAfterClaim, true, 1},
	{"during the request", killInRequest, true, 1},
	{"after the request, before the settle", killBeforeSettle, true, 2},
}

// killBeforeClaim stops a leader that sleeps, so that it cannot hear of the
// contact.
func killBeforeClaim(_ *testing.T, in *progtest.Installation, leader *replica, email string) time.Time {
	leader.freeze()
	queue(in, email)
	killed := time.Now()
	leader.Kill()
	return killed
}

// killAfterClaim has the claim wait for a lock and stops the leader, so that the
// claim succeeds and nobody takes its answer.
func killAfterClaim(_ *testing.T, in *progtest.Installation, leader *replica, email string) time.Time {
	slot := holder(in)
	release := lockTable(in, "contactsync.claims")
	queue(in, email)
	in.Await("Lock", `SELECT wait_event_type FROM pg_stat_activity WHERE pid = `+slot)
	leader.freeze()
	release()
	in.Await("Processing", fmt.Sprintf(`SELECT hubspot_processing_status::text FROM contacts WHERE email = '%s@example.org'`, email))
	killed := time.Now()
	leader.Kill()
	return killed
}

// killInRequest kills it while HubSpot has not answered.
func killInRequest(t *testing.T, in *progtest.Installation, leader *replica, email string) time.Time {
	t.Helper()
	in.Sim.Inject(hubspotsim.Fault{Path: "batch/upsert", Mode: hubspotsim.Hang, Times: 1})
	arrived := make(chan struct{}, 100)
	defer in.Sim.OnArrival(func(r hubspotsim.Request) {
		if strings.HasSuffix(r.Path, "batch/upsert") {
			arrived <- struct{}{}
		}
	})()
	queue(in, email)
	<-arrived
	killed := time.Now()
	leader.Kill()
	return killed
}

// killBeforeSettle stops it when HubSpot has written the contact, just before the
// answer leaves.
func killBeforeSettle(t *testing.T, in *progtest.Installation, leader *replica, email string) time.Time {
	t.Helper()
	written := make(chan struct{}, 100)
	end := in.Sim.OnRequest(func(r hubspotsim.Request) {
		if r.Applied && len(written) == 0 {
			leader.freeze()
			written <- struct{}{}
		}
	})
	queue(in, email)
	<-written
	end()
	killed := time.Now()
	leader.Kill()
	return killed
}

// TestLeaderIsKilled kills the leader at every point of a cycle, many times. The
// next one leads at once, other contacts flow at once, and what was in flight is
// sent again after the quarantine (15 s and HUBSPOT_TIMEOUT), for one attempt.
func TestLeaderIsKilled(t *testing.T) {
	t.Parallel()
	for _, d := range deaths {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			d.rounds(t, scaled(2, 50))
		})
	}
}

func (d death) rounds(t *testing.T, rounds int) {
	t.Helper()
	in := progtest.Install(t)
	settings := []string{"HUBSPOT_TIMEOUT=1s", "HUBSPOT_SYNC_MAX_RETRIES=3"}
	leader, follower := pair(in, settings...)
	var leads, others, quarantines []time.Duration
	died := map[string]time.Time{}
	for round := range rounds {
		email := fmt.Sprintf("flight%d", round)
		killed := d.kill(t, in, leader, email)
		died[email+"@example.org"] = killed
		leads = append(leads, since(t, killed, follower.Wait("leading", 1)[0]))
		awaitComplete(in, queue(in, fmt.Sprintf("other%d", round)))
		others = append(others, time.Since(killed))
		if d.inFlight {
			if got := in.Ask(`SELECT hubspot_processing_status::text FROM contacts WHERE email = $1`, email+"@example.org"); got != "Processing" && time.Since(killed) < 10*time.Second {
				t.Errorf("round %d: the contact in flight is %s inside the quarantine, want Processing", round, got)
			}
		}
		awaitComplete(in, email+"@example.org") // or the next kill could meet it once more
		leader, follower = follower, follow(in, settings...)
		in.AwaitAsleep()
	}
	in.Await("0", `SELECT count(*)::text FROM contacts WHERE hubspot_processing_status <> 'Complete'`)
	in.Await("0", `SELECT count(*)::text FROM contactsync.claims`)
	const quarantine = 15 * time.Second // from a moment before the kill, and HUBSPOT_TIMEOUT beyond
	times := map[string]int{}
	for _, w := range in.Sim.Writes() {
		times[w.Email]++
		if killed, ok := died[w.Email]; ok && times[w.Email] == d.writes && d.inFlight {
			after := w.Time.Sub(killed)
			if quarantines = append(quarantines, after); after < quarantine-5*time.Second {
				t.Errorf("%s was sent again after %v, want the quarantine of %v before", w.Email, after, quarantine)
			}
		}
	}
	for email, n := range times {
		want := 1
		if died[email] != (time.Time{}) {
			want = d.writes
		}
		if n != want {
			t.Errorf("%s was written %d times, want %d", email, n, want)
		}
	}
	spent := map[bool]string{true: "1 1", false: "0 0"}[d.inFlight]
	if got := in.Ask(`SELECT min(retry_count) || ' ' || max(retry_count) FROM contacts WHERE email LIKE 'flight%'`); got != spent {
		t.Errorf("attempts spent by the contacts that were under way: %s at least and at most, want %s", got, spent)
	}
	if got := in.Ask(`SELECT max(retry_count)::text FROM contacts WHERE email LIKE 'other%'`); got != "0" {
		t.Errorf("other contacts spent %s attempts", got)
	}
	t.Logf("killed %s: the next one leads after: %s", d.name, spread(leads))
	t.Logf("killed %s: another contact is synced after: %s", d.name, spread(others))
	if d.inFlight {
		t.Logf("killed %s: what was in flight is sent again after: %s", d.name, spread(quarantines))
	}
}
