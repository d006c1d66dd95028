package faults

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// How long a pause is watched.
const (
	pauseIsSeen     = 2 * time.Second
	pauseIsMeasured = 10 * time.Second
)

// calm counts what a program did in a while in which it should do next to
// nothing: a loop that runs hot shows in one of the three.
type calm struct {
	lasted       time.Duration
	requests     int // to HubSpot, of any kind
	claims       int // cycles that took a contact
	transactions int // in the database, claims that took nothing included
}

func (c calm) String() string {
	return fmt.Sprintf("%d requests, %d claims, %d transactions", c.requests, c.claims, c.transactions)
}

// watch counts for as long as lasts.
func watch(in *progtest.Installation, lasts time.Duration) calm {
	in.Helper()
	number := func(sql string) int {
		n, err := strconv.Atoi(in.Ask(sql))
		if err != nil {
			in.Fatal(err)
		}
		return n
	}
	const (
		cycles  = `SELECT count(*)::text FROM contactsync.cycles`
		commits = `SELECT (xact_commit + xact_rollback)::text FROM pg_stat_database WHERE datname = current_database()`
	)
	// A session of the database tells its counts once a second at most. The waiting
	// that came before this shall not be counted.
	wait(in, 1100*time.Millisecond)
	in.Ask(`SELECT 'that was it'`)
	before := calm{requests: in.Sim.Stats().Requests, claims: number(cycles), transactions: number(commits)}
	wait(in, lasts)
	return calm{
		lasted: lasts, requests: in.Sim.Stats().Requests - before.requests,
		claims: number(cycles) - before.claims, transactions: number(commits) - before.transactions,
	}
}

// check allows a probe, a heartbeat, what the counting itself costs and what the
// program did before and its session tells late; not a loop.
func (c calm) check(t *testing.T) {
	t.Helper()
	const probes = 2
	transactions := 40 + int(4*c.lasted.Seconds())
	if c.requests > probes || c.claims > probes || c.transactions > transactions {
		t.Errorf("in %v: %s; want at most %d, %d, %d", c.lasted, c, probes, probes, transactions)
	}
}
