package faults

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// stopSettings leave little time for an orderly stop, so that both ends of it can
// be waited for.
var stopSettings = []string{"SHUTDOWN_TIMEOUT=6s", "HUBSPOT_TIMEOUT=1m"}

const shutdown = 6 * time.Second

// TestIdleLeaderIsStopped stops a leader that sleeps, in both ways that platforms
// and people do it. It prints how soon it has ended and the next one leads.
func TestIdleLeaderIsStopped(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	leader, follower := pair(in, stopSettings...)
	var ends, leads []time.Duration
	for round := range scaled(2, 20) {
		asked := time.Now()
		leader.Signal([]syscall.Signal{syscall.SIGTERM, syscall.SIGINT}[round%2])
		if code := leader.End(); code != 0 {
			t.Errorf("exit code %d, want 0", code)
		}
		ends = append(ends, time.Since(asked))
		leads = append(leads, since(t, asked, follower.Wait("leading", 1)[0]))
		awaitComplete(in, queue(in, fmt.Sprint("after", round)))
		leader, follower = follower, follow(in, stopSettings...)
		in.AwaitAsleep()
	}
	t.Logf("a sleeping leader has ended after: %s", spread(ends))
	t.Logf("the next one leads after: %s", spread(leads))
}

// TestLeaderIsStoppedInARequest stops a leader whose request is under way at a
// HubSpot that is slow, that is too slow, and when it is told a second time.
func TestLeaderIsStoppedInARequest(t *testing.T) {
	t.Parallel()
	slow := hubspotsim.Fault{Path: "batch/upsert", Latency: time.Second, Times: 1}
	hanging := hubspotsim.Fault{Path: "batch/upsert", Mode: hubspotsim.Hang, Times: 1}
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		for _, test := range []struct {
			name   string
			fault  hubspotsim.Fault
			again  int    // more signals
			left   string // how the contacts stand when it has ended, if nobody takes over
			claims string // and how many of them may not be sent again yet
			within time.Duration
		}{
			{"slow", slow, 0, "10 Complete/Complete", "0", shutdown},
			{"hanging", hanging, 0, "10 Queued/Queued", "10", shutdown},
			{"hanging, told again", hanging, 1, "10 Queued/Queued", "10", time.Second},
			{"hanging, told a third time", hanging, 2, "", "10", time.Second},
		} {
			t.Run(fmt.Sprintf("%v/%s", signal, test.name), func(t *testing.T) {
				t.Parallel()
				in := progtest.Install(t)
				in.Sim.Inject(test.fault)
				arrived := make(chan struct{}, 100)
				in.Sim.OnArrival(func(r hubspotsim.Request) {
					if strings.HasSuffix(r.Path, "batch/upsert") {
						arrived <- struct{}{}
					}
				})
				leader := lead(in, stopSettings...)
				in.Queue(10)
				<-arrived
				asked := time.Now()
				leader.Signal(signal)
				if test.again > 0 {
					leader.Wait("stopping: what is in flight is finished first", 1)
				}
				for range test.again {
					_ = leader.Cmd.Process.Signal(signal) // it may have ended
				}
				if code := leader.End(); code != 0 {
					t.Errorf("exit code %d, want 0", code)
				}
				ended := time.Since(asked)
				left := in.Ask(progtest.Counts)
				t.Logf("ended %v after %v; contacts are %s", ended.Round(time.Millisecond), signal, left)
				if test.left != "" && left != test.left {
					t.Errorf("contacts are %s, want %s", left, test.left)
				}
				if n := in.Ask(`SELECT count(*)::text FROM contactsync.claims`); n != test.claims {
					t.Errorf("%s contacts are claimed, want %s", n, test.claims)
				}
				if ended > test.within+busy {
					t.Errorf("ended after %v, want %v", ended, test.within)
				}
				if n := in.Ask(`SELECT count(*)::text FROM contacts WHERE retry_count > 0`); n != "0" {
					t.Errorf("%s contacts spent an attempt", n)
				}
			})
		}
	}
}

// TestFollowerTakesOverFromOneThatStops measures the hand-over while a request is
// under way: the follower waits for it, and not a moment longer.
func TestFollowerTakesOverFromOneThatStops(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	leader, follower := pair(in, stopSettings...)
	var leads []time.Duration
	for round := range scaled(2, 20) {
		in.Sim.Inject(hubspotsim.Fault{Path: "batch/upsert", Latency: 300 * time.Millisecond, Times: 1})
		next := 1 + len(leader.Saw("Starting HubSpot sync scheduler cycle"))
		in.Exec(`INSERT INTO contacts (email, hubspot_processing_status) SELECT 'r' || $1::int || 'c' || i || '@example.org', 'Queued' FROM generate_series(1, 25) i`, round)
		leader.Wait("Starting HubSpot sync scheduler cycle", next)
		if code := leader.Stop(); code != 0 {
			t.Errorf("exit code %d, want 0", code)
		}
		ended := progtest.TimeOf(t, leader.Saw("stopped leading")[0])
		leads = append(leads, since(t, ended, follower.Wait("leading", 1)[0]))
		in.Await("0", `SELECT count(*)::text FROM contacts WHERE hubspot_processing_status <> 'Complete'`)
		leader, follower = follower, follow(in, stopSettings...)
		in.AwaitAsleep()
	}
	t.Logf("from the line that it stopped leading to the next one's first: %s", spread(leads))
	in.WantEachOnce(25 * scaled(2, 20))
	if n := in.Ask(`SELECT count(*)::text FROM contacts WHERE retry_count > 0`); n != "0" {
		t.Errorf("%s contacts spent an attempt", n)
	}
}
