package faults

import (
	"fmt"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/postgres"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// Promised is within 5 s of the database's return; a machine may be busy.
const recoveryAtMost = 20 * time.Second

// TestServerRestarts shuts the database down and starts it again, in order and
// as in a crash, for a moment and for longer, while an app goes on writing and
// requests are under way. Nobody helps the replicas. It prints how long after the
// database's return they go on; every commit is at HubSpot in the end.
func TestServerRestarts(t *testing.T) {
	t.Parallel()
	outage := scaled(5*time.Second, time.Minute)
	in, server := installApart(t)
	in.Sim.Inject(hubspotsim.Fault{Path: "batch/upsert", Latency: 30 * time.Millisecond})
	leader, follower := pair(in, "HUBSPOT_TIMEOUT=1s", "HUBSPOT_RATE_LIMIT_PER_10S=1000")
	app := write(in, 40)
	for i, restart := range []struct {
		name string
		mode postgres.Mode
		away time.Duration
	}{
		{"fast", postgres.Fast, 0},
		{"immediate", postgres.Immediate, 0},
		{"fast, away for a while", postgres.Fast, outage},
		{"immediate, away for a while", postgres.Immediate, outage},
	} {
		if _, err := in.Sim.WaitWrites(t.Context(), in.Sim.Stats().Writes+10); err != nil {
			t.Fatal(err)
		}
		halted := time.Now()
		if err := server.Halt(t.Context(), restart.mode); err != nil {
			t.Fatal(err)
		}
		wait(in, restart.away)
		if err := server.Resume(t.Context()); err != nil {
			t.Fatal(err)
		}
		returned := time.Now()
		reconnect(in)
		awaitComplete(in, queue(in, fmt.Sprint("after", i)))
		recovered := time.Since(returned)
		away := returned.Sub(halted)
		lines := linesBetween(t, leader.Process, halted, returned) + linesBetween(t, follower.Process, halted, returned)
		t.Logf("%s: away for %v; a contact queued then is synced %v after the return; %d lines of log of both replicas meanwhile",
			restart.name, away.Round(time.Millisecond), recovered.Round(time.Millisecond), lines)
		if recovered > recoveryAtMost {
			t.Errorf("recovered %v after the database's return", recovered)
		}
		if most := 20 + int(away.Seconds()); lines > most {
			t.Errorf("%d lines of log while the database was away, want at most %d:\n%s", lines, most, leader.Tail())
		}
	}
	app.end()
	app.check(t)
}

// linesBetween counts what a process logged between two moments.
func linesBetween(tb testing.TB, p *progtest.Process, from, to time.Time) (n int) {
	tb.Helper()
	for _, r := range p.Records() {
		if at := progtest.TimeOf(tb, r); at.After(from) && at.Before(to) {
			n++
		}
	}
	return n
}
