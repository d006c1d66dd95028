package main

import (
	"slices"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// TestLatency measures what the program is for: from the moment before an app
// sends its UPDATE, in autocommit, to the arrival of the request at HubSpot,
// while the leader sleeps. It prints; what it asserts is that the leader did
// sleep each time and that every update led to one request.
func TestLatency(t *testing.T) { //nolint:paralleltest // it measures
	updates := 50
	if progtest.Measuring() {
		updates = 500
	}
	in := progtest.Install(t)
	in.Exec(`INSERT INTO contacts (email, name) SELECT 'c' || i || '@example.org', 'Name ' || i FROM generate_series(1, $1::int) i`, updates)
	type arrival struct {
		email string
		at    time.Time
	}
	arrivals := make(chan arrival, updates)
	in.Sim.OnRequest(func(r hubspotsim.Request) {
		for _, i := range r.Inputs {
			arrivals <- arrival{i.ID, r.Time}
		}
	})
	in.Start(in.Env("HUBSPOT_RATE_LIMIT_PER_10S=1000"), "run")
	rows, err := in.App.Query(t.Context(), `SELECT email FROM contacts`)
	if err != nil {
		t.Fatal(err)
	}
	var emails []string
	for rows.Next() {
		var email string
		if err := rows.Scan(&email); err != nil {
			t.Fatal(err)
		}
		emails = append(emails, email)
	}
	var requests, commits []time.Duration
	for _, email := range emails {
		in.AwaitAsleep()
		began := time.Now()
		in.Exec(`UPDATE contacts SET hubspot_processing_status = 'Queued' WHERE email = $1`, email)
		commits = append(commits, time.Since(began))
		select {
		case a := <-arrivals:
			if a.email != email {
				t.Fatalf("%s arrived, want %s", a.email, email)
			}
			requests = append(requests, a.at.Sub(began))
		case <-time.After(progtest.Patience):
			t.Fatalf("%s did not arrive", email)
		}
	}
	slices.Sort(requests)
	slices.Sort(commits)
	at := func(all []time.Duration, q float64) time.Duration {
		return all[int(q*float64(len(all)-1))].Round(10 * time.Microsecond)
	}
	t.Logf("%d single updates, leader asleep: statement sent -> request at HubSpot: median %v, 99th percentile %v, slowest %v (the UPDATE itself: median %v)",
		len(requests), at(requests, 0.5), at(requests, 0.99), at(requests, 1), at(commits, 0.5))
	in.WantEachOnce(updates)
}

// TestFailover measures how long it takes from a kill -9 of the leader to the
// next one's claim of a contact. It prints; what it asserts is that somebody
// leads each time and the contact arrives.
func TestFailover(t *testing.T) { //nolint:paralleltest // it measures
	rounds := 3
	if progtest.Measuring() {
		rounds = 20
	}
	in := progtest.Install(t)
	replicas := []*progtest.Process{in.Start(in.Env(), "run"), in.Start(in.Env(), "run")}
	var leading, claiming []time.Duration
	for round := range rounds {
		in.AwaitAsleep()
		at := slices.IndexFunc(replicas, func(p *progtest.Process) bool { return p.Is(in.Leader()) })
		if at < 0 {
			t.Fatal("none of the replicas leads")
		}
		other := replicas[1-at]
		other.Wait("waiting for a slot", 1)
		killed := time.Now()
		replicas[at].Kill()
		in.Exec(`INSERT INTO contacts (email, hubspot_processing_status) VALUES ('round' || $1::int || '@example.org', 'Queued')`, round)
		leading = append(leading, progtest.TimeOf(t, other.Wait("leading", 1)[0]).Sub(killed))
		claiming = append(claiming, progtest.TimeOf(t, other.Wait("Starting HubSpot sync scheduler cycle", 1)[0]).Sub(killed))
		in.Await("0", `SELECT count(*)::text FROM contacts WHERE hubspot_processing_status <> 'Complete'`)
		replicas[at] = in.Start(in.Env(), "run")
	}
	slices.Sort(leading)
	slices.Sort(claiming)
	t.Logf("%d kills of the leader: next one leads after: median %v, slowest %v; and claims after: median %v, slowest %v", rounds,
		leading[rounds/2], leading[rounds-1], claiming[rounds/2], claiming[rounds-1])
}
