package faults

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// TestOneEmailTwoLeaders has two leaders at work while each of many emails gets two
// rows, the second one while the first one's request is under way: HubSpot ends on the
// values of the second one, and never works on an email twice at once.
func TestOneEmailTwoLeaders(t *testing.T) {
	t.Parallel()
	pairs := scaled(8, 40)
	in := progtest.Install(t)
	var mu sync.Mutex
	under := map[string]int{}
	overlaps := 0
	in.Sim.Inject(hubspotsim.Fault{Path: "batch/upsert", Latency: 800 * time.Millisecond})
	api := progtest.ServeHubSpot(t, in.Sim, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		note := func(by int) {
			mu.Lock()
			defer mu.Unlock()
			for i := range pairs {
				if email := pairEmail(i); bytes.Contains(body, []byte(`"`+email+`"`)) {
					if under[email] += by; under[email] > 1 {
						overlaps++
					}
				}
			}
		}
		note(+1)
		defer note(-1)
		req.Body = io.NopCloser(bytes.NewReader(body))
		in.Sim.ServeHTTP(w, req)
	}))
	for range 2 {
		r := startReplica(in, "HUBSPOT_API_BASE_URL="+api, "HUBSPOT_SYNC_SCHEDULER_MAX_INSTANCES=2")
		r.Wait("leading", 1)
		r.Wait("notifications arrive", 1)
	}
	for i := range pairs {
		in.Exec(`INSERT INTO contacts (email, name, hubspot_processing_status) VALUES ($1, 'V1', 'Queued')`, pairEmail(i))
		wait(in, 300*time.Millisecond)
		in.Exec(`INSERT INTO contacts (email, name, hubspot_processing_status) VALUES (upper($1), 'V2', 'Queued')`, pairEmail(i))
	}
	queued := time.Now()
	in.Await(fmt.Sprintf("%d Complete/Complete", 2*pairs), progtest.Counts)
	took := time.Since(queued)
	older := 0
	for i := range pairs {
		if c, _ := in.Sim.Contact(pairEmail(i)); c.Properties["firstname"] != "V2" {
			older++
		}
	}
	leaders := in.Ask(`SELECT count(DISTINCT instance)::text FROM contactsync.cycles WHERE synced > 0`)
	t.Logf("%d pairs, %s leaders: %d end on the older values, %d requests began beside one of the same email; the last one is synced %s after its commit",
		pairs, leaders, older, overlaps, took.Round(time.Millisecond))
	if older > 0 || overlaps > 0 {
		t.Errorf("%d of %d pairs end on the older values, %d requests began beside one of the same email", older, pairs, overlaps)
	}
	if leaders != "2" {
		t.Errorf("%s leaders were at work: nothing was tried", leaders)
	}
}

func pairEmail(i int) string { return fmt.Sprintf("pair%d@example.org", i) }

// lateHubSpot is a HubSpot that answers the first upsert never and carries it out so
// long after it arrived.
func lateHubSpot(in *progtest.Installation, by time.Duration) (api string, arrived <-chan struct{}) {
	in.Helper()
	came := make(chan struct{})
	var first sync.Once
	var landing sync.WaitGroup
	api = progtest.ServeHubSpot(in, in.Sim, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		late := false
		if strings.HasSuffix(req.URL.Path, "batch/upsert") {
			first.Do(func() { late = true })
		}
		if !late {
			in.Sim.ServeHTTP(w, req)
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			in.Error(err)
		}
		later := req.Clone(context.WithoutCancel(req.Context()))
		later.Body = io.NopCloser(bytes.NewReader(body))
		landing.Go(func() {
			<-time.After(by)
			in.Sim.ServeHTTP(httptest.NewRecorder(), later)
		})
		close(came)
		<-req.Context().Done()
	}))
	in.Cleanup(landing.Wait)
	return api, came
}

// TestOlderLandsLate has HubSpot carry a request out long after nobody waits for it any
// more, and after something newer was sent: what is newer is there in the end.
func TestOlderLandsLate(t *testing.T) {
	t.Parallel()
	const landsAfter = 8 * time.Second
	settings := []string{"HUBSPOT_TIMEOUT=2s", "HUBSPOT_DOUBT=10s", "HUBSPOT_SYNC_RETRY_DELAY_MINUTES=1h"}
	insert := func(in *progtest.Installation) {
		in.Exec(`INSERT INTO contacts (email, name, hubspot_processing_status) VALUES ('late@example.org', 'V1', 'Queued')`)
	}
	edit := func(in *progtest.Installation) {
		in.Exec(`UPDATE contacts SET name = 'V2', hubspot_processing_status = 'Queued' WHERE email = 'late@example.org'`)
	}
	for name, play := range map[string]func(in *progtest.Installation, api string, arrived <-chan struct{}){
		"edited": func(in *progtest.Installation, api string, arrived <-chan struct{}) {
			lead(in, append(settings, "HUBSPOT_API_BASE_URL="+api)...)
			insert(in)
			awaitRequest(t, arrived)
			edit(in)
		},
		"deleted and inserted again": func(in *progtest.Installation, api string, arrived <-chan struct{}) {
			lead(in, append(settings, "HUBSPOT_API_BASE_URL="+api)...)
			insert(in)
			awaitRequest(t, arrived)
			in.Exec(`DELETE FROM contacts`)
			in.Exec(`INSERT INTO contacts (email, name, hubspot_processing_status) VALUES ('Late@Example.org', 'V2', 'Queued')`)
		},
		"the leader is killed, the next one has another timeout": func(in *progtest.Installation, api string, arrived <-chan struct{}) {
			first := lead(in, append(settings, "HUBSPOT_API_BASE_URL="+api)...)
			insert(in)
			awaitRequest(t, arrived)
			first.Kill()
			edit(in)
			in.Exec(`UPDATE contactsync.claims SET claimed_at = claimed_at - interval '14 s'`) // most of the lease's part of the quarantine
			startReplica(in, append(settings, "HUBSPOT_API_BASE_URL="+api, "HUBSPOT_TIMEOUT=100ms")...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := progtest.Install(t)
			began := time.Now()
			api, arrived := lateHubSpot(in, landsAfter)
			play(in, api, arrived)
			end := began.Add(2 * progtest.Patience)
			for sentTo(in, "late@example.org") != "V2 V1 V2" && time.Now().Before(end) {
				wait(in, 100*time.Millisecond)
			}
			t.Logf("HubSpot got %q within %s", sentTo(in, "late@example.org"), time.Since(began).Round(100*time.Millisecond))
			if got := sentTo(in, "late@example.org"); got != "V2 V1 V2" {
				t.Errorf("HubSpot got %q, want the older one late, and then the newer one once more", got)
			}
			in.Await("Complete", `SELECT hubspot_processing_status::text FROM contacts`)
		})
	}
}
