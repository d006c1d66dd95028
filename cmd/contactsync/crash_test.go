package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/hubspotsim"
	"github.com/scrapersky/contactsync/internal/progtest"
)

// A leader is killed while its request hangs: the next one leads, other contacts
// flow at once, and those in flight are sent again after the quarantine.
func TestKillDuringTheRequest(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	in.Sim.Inject(hubspotsim.Fault{Path: "batch/upsert", Mode: hubspotsim.Hang, Times: 1})
	hanging := make(chan struct{}, 10)
	in.Sim.OnArrival(func(r hubspotsim.Request) {
		if strings.HasSuffix(r.Path, "batch/upsert") {
			hanging <- struct{}{}
		}
	})
	env := in.Env("HUBSPOT_TIMEOUT=5m") // longer than the test: only the kill ends the request
	first := in.Start(env, "run")
	first.Wait("leading", 1)
	second := in.Start(env, "run")
	second.Wait("waiting for a slot", 1)
	in.Exec(`INSERT INTO contacts (email, hubspot_sync_status, hubspot_processing_status) VALUES ('inflight@example.org', 'Queued', 'Queued')`)
	select {
	case <-hanging:
	case <-time.After(progtest.Patience):
		t.Fatal("no request arrived")
	}
	killed := time.Now()
	first.Kill()
	second.Wait("leading", 1)
	t.Logf("the next one leads %v after the kill", time.Since(killed))
	in.Exec(`INSERT INTO contacts (email, hubspot_sync_status, hubspot_processing_status) VALUES ('other@example.org', 'Queued', 'Queued')`)
	in.Await("Complete", `SELECT hubspot_processing_status::text FROM contacts WHERE email = 'other@example.org'`)
	if got := in.Ask(`SELECT hubspot_processing_status::text FROM contacts WHERE email = 'inflight@example.org'`); got != "Processing" {
		t.Errorf("the contact in flight is %s inside the quarantine, want Processing", got)
	}
	// The quarantine passes: its claim is made as old as it would be then.
	in.Exec(`UPDATE contactsync.claims SET claimed_at = claimed_at - interval '1 hour'`)
	if code := second.Stop(); code != 0 { // whoever leads next looks for dead claims at once
		t.Errorf("exit code %d", code)
	}
	in.Start(env, "run")
	in.Await("Complete 1", `SELECT hubspot_processing_status || ' ' || retry_count FROM contacts WHERE email = 'inflight@example.org'`)
}

// A stop while a request is under way finishes it; one that takes too long is
// cut, and nothing is spent.
func TestStopDuringTheRequest(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		fault hubspotsim.Fault
		want  string
	}{
		{"slow", hubspotsim.Fault{Path: "batch/upsert", Latency: 500 * time.Millisecond, Times: 1}, "10 Complete/Complete"},
		{"hanging", hubspotsim.Fault{Path: "batch/upsert", Mode: hubspotsim.Hang, Times: 1}, "10 Queued/Queued"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			in := progtest.Install(t)
			in.Sim.Inject(test.fault)
			in.Queue(10)
			p := in.Start(in.Env("SHUTDOWN_TIMEOUT=5s"), "run")
			p.Wait("Processing contact", 10)
			asked := time.Now()
			if code := p.Stop(); code != 0 {
				t.Errorf("exit code %d, want 0", code)
			}
			t.Logf("ended %v after SIGTERM", time.Since(asked))
			if got := in.Ask(progtest.Counts); got != test.want {
				t.Errorf("contacts are %s, want %s", got, test.want)
			}
			if n := in.Ask(`SELECT count(*)::text FROM contacts WHERE retry_count > 0`); n != "0" {
				t.Errorf("%s contacts spent an attempt", n)
			}
		})
	}
}

// Backends are terminated one after the other: the program recovers by itself,
// and its log stays calm.
func TestBackendsAreTerminated(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	p := in.Start(in.Env(), "run")
	for round := range 4 {
		in.AwaitAsleep()
		in.Exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND application_name LIKE 'contactsync/%' ORDER BY pid LIMIT 1`)
		in.Exec(`INSERT INTO contacts (email, hubspot_processing_status) VALUES ('round' || $1::int || '@example.org', 'Queued')`, round)
		in.Await("0", `SELECT count(*)::text FROM contacts WHERE hubspot_processing_status <> 'Complete'`)
	}
	if n := len(p.Log()); n > 120 {
		t.Errorf("%d lines of log for four terminations:\n%s", n, p.Tail())
	}
	if strings.Contains(strings.Join(p.Log(), "\n"), progtest.GoodKey) {
		t.Error("the key is in the log")
	}
}

// A lost response: the contact was written, nobody knows, and sending it again
// after the doubt leaves one contact and the right data.
func TestLostResponse(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	in.Sim.Inject(hubspotsim.Fault{Path: "batch/upsert", Mode: hubspotsim.Cut, AfterWrite: true, Times: 1})
	in.Start(in.Env("HUBSPOT_TIMEOUT=500ms", "HUBSPOT_SYNC_RETRY_DELAY_MINUTES=200ms"), "run")
	in.Queue(3)
	in.Await("3 Complete/Complete", progtest.Counts)
	if n := len(in.Sim.Contacts()); n != 3 {
		t.Errorf("%d contacts in HubSpot, want 3", n)
	}
	if n := in.Ask(`SELECT min(retry_count) || ' ' || max(retry_count) FROM contacts`); n != "1 1" {
		t.Errorf("retry_count from %s, want one attempt spent by each", n)
	}
}

// A repaired account: a property is missing, nothing is spent, and once it
// exists everything flows by itself. The probe's first wait is half a minute, so
// the program is restarted instead.
func TestMissingPropertySpendsNothing(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	in.Sim.RemoveProperty("scrapersky_page_id")
	in.Exec(seedContacts)
	p := in.Start(in.Env(), "run")
	pause := p.Wait("HubSpot sync paused", 1)[0]
	if reason, _ := pause["reason"].(string); !strings.Contains(reason, "scrapersky_page_id") {
		t.Errorf("the pause says %q, want the property's name", reason)
	}
	in.Await("3 Queued/Queued", progtest.Counts)
	p.Stop()
	for _, property := range hubspotsim.ContactsyncProperties() {
		if property.Name == "scrapersky_page_id" {
			in.Sim.AddProperty(property)
		}
	}
	in.Start(in.Env(), "run")
	in.Await("3 Complete/Complete", progtest.Counts)
	if n := in.Ask(`SELECT sum(retry_count)::text FROM contacts`); n != "0" {
		t.Errorf("%s attempts spent, want none", n)
	}
}

// One contact makes HubSpot (or something on the way) fail. It must not stand
// before all others for ever, and it ends in Error itself.
func TestPoisonContact(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	target, err := url.Parse(in.API)
	if err != nil {
		t.Fatal(err)
	}
	forward := httputil.NewSingleHostReverseProxy(target)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || bytes.Contains(body, []byte("poison")) {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	in.Exec(`INSERT INTO contacts (email, name, hubspot_processing_status) VALUES ('poison@example.org', 'Bad', 'Queued')`)
	p := in.Start(in.Env("HUBSPOT_API_BASE_URL="+proxy.URL, "HUBSPOT_SYNC_RETRY_DELAY_MINUTES=300ms"), "run")
	p.Wait("HubSpot sync paused", 1)
	in.Exec(`INSERT INTO contacts (email, name, hubspot_processing_status) SELECT 'c' || i || '@example.org', 'Good', 'Queued' FROM generate_series(1, 30) i`)
	in.AwaitFor(3*time.Minute, "30", `SELECT count(*)::text FROM contacts WHERE hubspot_processing_status = 'Complete'`)
	in.WantEachOnce(30)
	in.Await("Error", `SELECT hubspot_processing_status::text FROM contacts WHERE name = 'Bad'`)
}
