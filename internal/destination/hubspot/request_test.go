package hubspot

import (
	"fmt"
	"math/bits"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination/hubspot/api"
	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

// spread is the places of k bad ones among n.
func spread(k, n int) []int {
	places := make([]int, k)
	for i := range places {
		places[i] = i * n / k
	}
	return places
}

// A conflict that refuses its whole batch is found by halving, costs no other
// row anything, and is mended.
func TestHalving(t *testing.T) {
	t.Parallel()
	const n = 100
	for _, bad := range []int{0, 1, 2, 5, 50, 100} {
		t.Run(fmt.Sprint(bad), func(t *testing.T) {
			t.Parallel()
			sim := simOptions()
			sim.Behaviour.ConflictWholeBatch = true
			p := overTheWire(t, sim, nil)
			batch := people(n)
			for _, i := range spread(bad, n) {
				if err := p.Conflict(batch[i].Key(), fmt.Sprintf("primary%d@example.com", i)); err != nil {
					t.Fatal(err)
				}
			}
			report := p.Upsert(t.Context(), batch)
			check(t, report, "100 synced")
			for i, c := range batch {
				stored, _ := p.Contact(c.Key())
				if report.Outcomes[i].RemoteID != stored.ID || stored.Properties["lastname"] != fmt.Sprintf("Number%d", i) {
					t.Errorf("contact %d: outcome %+v, stored %+v", i, report.Outcomes[i], stored)
				}
			}
			if got := len(p.Writes()); got != n {
				t.Errorf("%d writes, want each contact once", got)
			}
			// Each bad row refuses at most one batch of each size above it.
			bound := min(2*n-1, 1+2*bad*bits.Len(n-1))
			if got := p.upserts(); got > bound {
				t.Errorf("%d upserts, want at most %d", got, bound)
			}
			if want := p.upserts() + bad; report.Requests != want {
				t.Errorf("%d requests counted, want %d: a PATCH for each conflict", report.Requests, want)
			}
			t.Logf("%d conflicts among %d: %d upserts", bad, n, p.upserts())
			wantOwnTraces(t, p.Received())
		})
	}
}

func wantOwnTraces(t *testing.T, received []hubspotsim.Request) {
	t.Helper()
	seen := map[string]bool{}
	for _, r := range received {
		for _, in := range r.Inputs {
			if r.Method == http.MethodPost && (in.TraceID == "" || seen[in.TraceID]) {
				t.Fatalf("trace id %q is missing or not the input's own", in.TraceID)
			}
			seen[in.TraceID] = true
		}
	}
}

// However a 207 addresses its errors, the bad rows are rejected for their own
// reasons and the good ones are synced.
func TestBadRows(t *testing.T) {
	t.Parallel()
	shapes := []hubspotsim.ErrorShape{
		hubspotsim.ErrorPerRow, hubspotsim.ErrorGrouped, hubspotsim.ErrorIDsOnly, hubspotsim.ErrorBare,
	}
	for _, shape := range shapes {
		for _, noDetails := range []bool{false, true} {
			for _, bad := range []int{1, 5, 50, 100} {
				t.Run(fmt.Sprintf("%s, no details %v, %d", shape, noDetails, bad), func(t *testing.T) {
					t.Parallel()
					sim := simOptions()
					sim.Behaviour.ErrorShape, sim.Behaviour.NoErrorDetails = shape, noDetails
					p := overTheWire(t, sim, nil)
					batch, places := people(100), spread(bad, 100)
					for _, i := range places {
						batch[i].Email = fmt.Sprintf("no email %d", i)
					}
					report := p.Upsert(t.Context(), batch)
					for i, o := range report.Outcomes {
						switch {
						case slices.Contains(places, i):
							if o.Verdict != contact.Reject || o.Code != contact.CodeInvalidEmail {
								t.Errorf("contact %d: %+v, want Reject INVALID_EMAIL", i, o)
							}
						case o.Verdict != contact.Synced:
							t.Errorf("contact %d: %+v, want Synced", i, o)
						}
					}
					bound := 1
					if shape == hubspotsim.ErrorBare && bad > 1 {
						bound = 2 * bad // each alone, to know which error is whose
					}
					if report.Requests > bound {
						t.Errorf("%d requests, want at most %d", report.Requests, bound)
					}
				})
			}
		}
	}
}

// Addresses that HubSpot takes for equal, and we do not, refuse their batch:
// halving parts them.
func TestDuplicatesForHubSpotAlone(t *testing.T) {
	t.Parallel()
	p := overTheWire(t, simOptions(), nil)
	batch := people(9)
	batch[7].Email = batch[2].Email // drain merges these; here they stand for what it cannot see
	report := p.Upsert(t.Context(), batch)
	check(t, report, "9 synced")
	if a, b := report.Outcomes[2].RemoteID, report.Outcomes[7].RemoteID; a != b {
		t.Errorf("ids %s and %s, want one contact", a, b)
	}
}

func TestTooFast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sim := simOptions()
		sim.RatePer10s = 3
		p := inMemory(t, sim, nil)
		// Another app uses the limit up first.
		other := newClient(t, api.Options{HTTP: &http.Client{Transport: direct{p.Sim}}}, nil)
		check(t, other.Upsert(t.Context(), people(1)), "1 synced")
		p.Inject(hubspotsim.Fault{Path: "batch/upsert", Status: http.StatusTooManyRequests, Times: 2})
		began := time.Now()
		report := p.Upsert(t.Context(), people(150))
		check(t, report, "150 synced")
		if report.Throttled < 20*time.Second || time.Since(began) < 20*time.Second {
			t.Errorf("throttled %v within %v, want two waits of 10 s", report.Throttled, time.Since(began))
		}
		if report.Requests != 4 {
			t.Errorf("%d requests, want 4", report.Requests)
		}
	})
}

// A 429 stops every request of the client, not only the one it answered.
func TestTooFastStopsAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// Slow enough that most of the batch waits for its turn when the 429 comes.
		p := inMemory(t, simOptions(), func(o *Options) { o.RatePer10s = 100 })
		check(t, p.Upsert(t.Context(), people(1)), "1 synced")
		p.Inject(hubspotsim.Fault{
			Path: "batch/upsert", Status: http.StatusTooManyRequests, Times: 1, Header: map[string]string{"Retry-After": "3"},
		})
		var mu sync.Mutex // requests end side by side
		var refused time.Time
		p.OnRequest(func(r hubspotsim.Request) {
			mu.Lock()
			defer mu.Unlock()
			switch {
			case r.Status == http.StatusTooManyRequests:
				refused = r.Time
			case !refused.IsZero() && r.Time.Before(refused.Add(3*time.Second)) && r.Time.After(refused):
				t.Errorf("%s %s %v after a 429", r.Method, r.Path, r.Time.Sub(refused))
			}
		})
		var probe sync.WaitGroup
		probe.Go(func() {
			if err := p.Probe(t.Context()); err != nil {
				t.Error(err)
			}
		})
		report := p.Upsert(t.Context(), people(1000))
		probe.Wait()
		check(t, report, "1000 synced")
		if report.Throttled < 3*time.Second || report.Requests != 11 {
			t.Errorf("throttled %v in %d requests, want at least 3 s in 11", report.Throttled, report.Requests)
		}
	})
}

func TestLocked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := inMemory(t, simOptions(), nil)
		p.Inject(hubspotsim.Fault{Path: "batch/upsert", Status: http.StatusLocked, Times: 2})
		began := time.Now()
		check(t, p.Upsert(t.Context(), people(3)), "3 synced")
		if took := time.Since(began); took != 6*time.Second {
			t.Errorf("took %v, want 2 s and 4 s", took)
		}
	})
}

func TestLockedForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := inMemory(t, simOptions(), nil)
		p.Inject(hubspotsim.Fault{Path: "batch/upsert", Status: http.StatusLocked})
		report := p.Upsert(t.Context(), people(250))
		check(t, report, "250 unspent RATE_LIMITED, pause RATE_LIMITED")
		// Then the account's own read, and three contacts alone, each of which waits once.
		if want := 1 + maxWaits + 1 + 3*2; report.Requests != want {
			t.Errorf("%d requests, want %d", report.Requests, want)
		}
	})
}
