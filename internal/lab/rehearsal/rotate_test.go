package rehearsal

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

const newKey = "pat-eu1-new-key"

// rotation is HubSpot while a key is rotated: both are taken until the old one
// expires. The simulator itself knows one key at a time.
type rotation struct {
	s *site

	mu      sync.Mutex
	expired bool
	by      map[string]int // requests by key
}

// ServeHTTP implements [http.Handler].
func (r *rotation) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	key := req.Header.Get("Authorization")
	r.by[key]++
	if key == "Bearer "+newKey && !r.expired {
		req.Header.Set("Authorization", "Bearer "+progtest.GoodKey)
	}
	r.mu.Unlock()
	r.s.Sim.ServeHTTP(w, req)
}

func (r *rotation) expire() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expired = true
	r.s.Sim.SetToken(newKey)
}

// TestRotateTheToken gives two replicas a new key, one after the other, while an
// app queues contacts all the time; then the old key expires. No contact fails.
func TestRotateTheToken(t *testing.T) {
	t.Parallel()
	s := furnish(t, pgtest.Empty(t))
	s.install()
	portal := &rotation{s: s, by: map[string]int{}}
	s.API = progtest.ServeHubSpot(t, s.Sim, portal)
	start := func(key string) *progtest.Process {
		p := s.Start(s.Env("HUBSPOT_API_KEY="+key, "HUBSPOT_RATE_LIMIT_PER_10S=1000"), "run")
		p.Wait("HubSpot sync scheduler job registered successfully", 1)
		return p
	}
	old := []*progtest.Process{start(progtest.GoodKey), start(progtest.GoodKey)}
	stop := load(s)

	await := func(more int) { s.awaitWrites(s.Sim.Stats().Writes + more) }
	await(20)
	for _, block := range commands(t, "rotate-the-token", 1) {
		s.sh(block, "HUBSPOT_API_KEY="+newKey)
	}
	for _, leaving := range old {
		start(newKey)
		if code := leaving.Stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		await(20)
	}
	portal.expire()
	await(50)
	n := stop()
	s.Await(fmt.Sprintf("%d Complete/Complete", n), progtest.Counts)
	if got := s.Ask(`SELECT concat_ws(' ', (SELECT count(*) FROM contactsync.failures), (SELECT max(retry_count) FROM contacts))`); got != "0 0" {
		t.Errorf("failures and retries: %s, want none", got)
	}
	for _, r := range s.Sim.Received() {
		if r.Status == http.StatusUnauthorized {
			t.Errorf("%s %s was refused", r.Method, r.Path)
		}
	}
	portal.mu.Lock()
	defer portal.mu.Unlock()
	t.Logf("%d contacts, none failed; requests by key: %v", n, portal.by)
	if len(portal.by) != 2 {
		t.Errorf("requests by key: %v, want some by each", portal.by)
	}
}

// load is an app that queues a contact every few milliseconds until it is
// stopped, which answers how many there are.
func load(s *site) (stop func() int) {
	s.Helper()
	conn, end, n := s.Connect(), make(chan struct{}), 0
	var app sync.WaitGroup
	app.Go(func() {
		pace := time.NewTicker(5 * time.Millisecond)
		defer pace.Stop()
		for {
			select {
			case <-pace.C:
			case <-end:
				return
			case <-s.Context().Done():
				return
			}
			if _, err := conn.Exec(s.Context(), `INSERT INTO contacts (email, hubspot_sync_status, hubspot_processing_status)
				VALUES ($1, 'Queued', 'Queued')`, fmt.Sprintf("load%d@example.org", n)); err != nil {
				s.Errorf("queue a contact: %v", err)
				return
			}
			n++
		}
	})
	s.Cleanup(app.Wait)
	return func() int {
		close(end)
		app.Wait()
		return n
	}
}
