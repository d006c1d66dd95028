package main

import (
	"encoding/json"
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

// webhook is a receiver as Slack is one, and what it was told.
type webhook struct {
	URL  string
	mu   sync.Mutex
	text []string
}

func receive(t *testing.T) *webhook {
	t.Helper()
	hook := &webhook{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct{ Text string }
		data, err := io.ReadAll(r.Body)
		if err == nil {
			err = json.Unmarshal(data, &body)
		}
		if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" || body.Text == "" {
			t.Errorf("a post that no webhook takes: %s %s %v", r.Method, data, err)
		}
		hook.mu.Lock()
		defer hook.mu.Unlock()
		hook.text = append(hook.text, body.Text)
	}))
	t.Cleanup(server.Close)
	hook.URL = server.URL + "/services/secret-part"
	return hook
}

func (h *webhook) told() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string{}, h.text...)
}

// await waits until there are n posts.
func (h *webhook) await(in *progtest.Installation, n int) []string {
	in.Helper()
	end := time.Now().Add(2 * progtest.Patience)
	for {
		told := h.told()
		if len(told) >= n {
			return told
		}
		if time.Now().After(end) {
			in.Fatalf("%d posts, want %d: %q", len(told), n, told)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-in.Context().Done():
			in.Fatal(in.Context().Err())
		}
	}
}

// A pause is told once, and its end once, by whichever of two leaders; a leader
// that follows does not repeat it. The secret URL is in no log, and no email in a
// post.
func TestWebhookIsToldOfChanges(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	hook := receive(t)
	in.Sim.Inject(hubspotsim.Fault{
		Path: "batch/upsert", Status: http.StatusUnauthorized,
		Body: `{"status":"error","category":"INVALID_AUTHENTICATION","message":"not for ada@example.org"}`,
	})
	in.Sim.Inject(hubspotsim.Fault{Path: "account-info", Status: http.StatusUnauthorized})
	env := in.Env("ALERT_WEBHOOK_URL="+hook.URL, "LOG_REDACT_EMAILS=true", "HUBSPOT_SYNC_SCHEDULER_MAX_INSTANCES=2")
	first, second := in.Start(env, "run"), in.Start(env, "run")
	first.Wait("leading", 1)
	second.Wait("leading", 1)

	in.Queue(30) // never once a row
	told := hook.await(in, 1)
	if !strings.HasPrefix(told[0], "HubSpot sync paused (UNAUTHORIZED: ") || strings.Contains(told[0], "ada@") {
		t.Errorf("told %q", told[0])
	}
	if code := first.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	third := in.Start(env, "run") // takes the slot over, and the pause with it
	third.Wait("leading", 1)
	in.Sim.ClearFaults()
	told = hook.await(in, 2)
	if !strings.HasPrefix(told[1], "HubSpot sync goes on. It was paused for ") {
		t.Errorf("told %q", told[1])
	}
	in.Await("30 Complete/Complete", progtest.Counts)

	in.Must("pause", "--as", "Ada", "--reason", "a test")
	told = hook.await(in, 3)
	if !strings.HasPrefix(told[2], "HubSpot sync paused by Ada: a test.") {
		t.Errorf("told %q", told[2])
	}
	for _, p := range []*progtest.Process{second, third} {
		p.Stop()
	}
	if told = hook.told(); len(told) != 3 {
		t.Errorf("%d posts, want three: %q", len(told), told)
	}
	for _, p := range []*progtest.Process{first, second, third} {
		if log := strings.Join(p.Log(), "\n"); strings.Contains(log, "secret-part") {
			t.Error("the webhook's URL is in the log")
		}
	}
}

// A webhook that never answers keeps neither contacts waiting nor the stop, and is
// complained of once.
func TestHangingWebhookDelaysNothing(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	asked, done := make(chan struct{}, 100), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked <- struct{}{}
		<-done
	}))
	t.Cleanup(func() { close(done); server.Close() })
	in.Exec(`INSERT INTO contacts (email, hubspot_processing_status, hubspot_queued_at) VALUES ('old@example.org', 'Queued', now() - interval '1 hour')`)
	locker, err := in.Connect().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := locker.Exec(t.Context(), `SELECT FROM contacts FOR UPDATE`); err != nil { // so that it grows old
		t.Fatal(err)
	}
	p := in.Start(in.Env("ALERT_WEBHOOK_URL="+server.URL), "run")
	p.Wait("leading", 1)
	select {
	case <-asked:
	case <-time.After(progtest.Patience):
		t.Fatal("the webhook is never asked")
	}
	began := time.Now()
	in.Queue(50) // while it hangs
	in.Await("50 Complete/Complete, 1 New/Queued", progtest.Counts)
	t.Logf("50 contacts synced %v after a post began to hang", time.Since(began))
	p.Wait("alerting failed", 1)
	select {
	case <-asked: // it is tried again
	case <-time.After(2 * progtest.Patience):
		t.Fatal("the webhook is not asked again")
	}
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if n := len(p.Saw("alerting failed")); n != 1 {
		t.Errorf("complained of %d times, want once", n)
	}
	if err := locker.Rollback(t.Context()); err != nil {
		t.Error(err)
	}
}
