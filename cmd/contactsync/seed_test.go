package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// The eight tests of the scheduler that this program replaces, against the
// built binary, a real Postgres and the simulator, and its rollback.

const seedContacts = `INSERT INTO contacts
	(email, name, phone_number, domain_id, page_id, hubspot_sync_status, hubspot_processing_status) VALUES
	('scheduler-test-1@example.com', 'Scheduler Test 1', '+1-555-0001', '11111111-1111-1111-1111-111111111111', '22222222-2222-2222-2222-222222222222', 'Queued', 'Queued'),
	('scheduler-test-2@example.com', 'Scheduler Test 2', '+1-555-0002', '11111111-1111-1111-1111-111111111111', '22222222-2222-2222-2222-222222222222', 'Queued', 'Queued'),
	('scheduler-test-3@example.com', 'Scheduler Test 3', NULL, '11111111-1111-1111-1111-111111111111', '22222222-2222-2222-2222-222222222222', 'Queued', 'Queued')`

func TestSeed1Startup(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	p := in.Start(in.Env("HUBSPOT_SYNC_SCHEDULER_INTERVAL_MINUTES="), "run")
	config := p.Wait("Configuring HubSpot sync scheduler", 1)[0]
	if config["interval_minutes"] != 5.0 || config["batch_size"] != 10.0 || config["max_instances"] != 1.0 {
		t.Errorf("configured as %v, want interval 5, batch 10, instances 1", config)
	}
	p.Wait("HubSpot sync scheduler job registered successfully", 1)
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d on SIGTERM, want 0", code)
	}
	if log := strings.Join(p.Log(), "\n"); strings.Contains(log, progtest.GoodKey) {
		t.Error("the key is in the log")
	}
}

func TestSeed1StartupWithoutKey(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	in.Exec(seedContacts)
	p := in.Start(in.Env("HUBSPOT_API_KEY="), "run")
	p.Wait("HUBSPOT_API_KEY not configured - HubSpot sync scheduler DISABLED", 1)
	address := p.Wait("serving HTTP", 1)[0]["addr"]
	for _, path := range []string{"/healthz", "/readyz"} {
		if code := get(t, fmt.Sprintf("http://%v%s", address, path)); code != http.StatusOK {
			t.Errorf("%s answers %d, want 200", path, code)
		}
	}
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d on SIGTERM, want 0", code)
	}
	if got := in.Ask(progtest.Counts); got != "3 Queued/Queued" {
		t.Errorf("contacts are %s, want 3 Queued/Queued", got)
	}
	if n := len(in.Sim.Received()); n != 0 {
		t.Errorf("%d requests without a key", n)
	}
}

func get(t *testing.T, url string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode
}

func TestSeed2Queued(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	in.Exec(seedContacts)
	if got := in.Ask(progtest.Counts); got != "3 Queued/Queued" {
		t.Errorf("contacts are %s, want 3 Queued/Queued", got)
	}
	got := in.Ask(`SELECT string_agg(concat_ws(' ', name, coalesce(phone_number, 'no phone'), retry_count), ', ' ORDER BY name) FROM contacts`)
	if want := "Scheduler Test 1 +1-555-0001 0, Scheduler Test 2 +1-555-0002 0, Scheduler Test 3 no phone 0"; got != want {
		t.Errorf("contacts are %s, want %s", got, want)
	}
}

func TestSeed3Processed(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	p := in.Start(in.Env(), "run")
	p.Wait("notifications arrive", 1) // until then it looks every second
	in.AwaitAsleep()
	began := time.Now()
	in.Exec(seedContacts)
	if _, err := in.Sim.WaitWrites(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	t.Logf("INSERT to all three in HubSpot: %v (the tick is an hour: the notification did it)", time.Since(began))
	in.Await("3 Complete/Complete", progtest.Counts)
	got := in.Ask(`SELECT string_agg(DISTINCT concat_ws(' ', hubspot_contact_id IS NOT NULL, hubspot_synced_at IS NOT NULL, retry_count,
		coalesce(hubspot_processing_error, 'no error'), coalesce(hubspot_error_code, 'no code')), ', ') FROM contacts`)
	if want := "t t 0 no error no code"; got != want {
		t.Errorf("contacts are %s, want %s", got, want)
	}
	p.Wait("Starting HubSpot sync scheduler cycle", 1)
	p.Wait("Processing contact", 3)
	p.Wait("Contact synced successfully to HubSpot", 3)
	end := p.Wait("Finished HubSpot sync scheduler cycle", 1)[0]
	if end["synced"] != 3.0 || end["contacts"] != 3.0 {
		t.Errorf("the cycle ended with %v", end)
	}
}

func TestSeed4Properties(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	in.Start(in.Env(), "run")
	before := time.Now().UTC().Format(time.DateOnly)
	in.Exec(seedContacts)
	writes, err := in.Sim.WaitWrites(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	after := time.Now().UTC().Format(time.DateOnly)
	for _, w := range writes {
		n := strings.TrimSuffix(strings.TrimPrefix(w.Email, "scheduler-test-"), "@example.com")
		want := map[string]string{
			"firstname": "Scheduler", "lastname": "Test " + n, "phone": "+1-555-000" + n,
			"scrapersky_domain_id": "11111111-1111-1111-1111-111111111111",
			"scrapersky_page_id":   "22222222-2222-2222-2222-222222222222",
			"scrapersky_sync_date": before,
		}
		if n == "3" {
			delete(want, "phone")
		}
		for name, value := range want {
			if got := w.Properties[name]; got != value && (name != "scrapersky_sync_date" || got != after) {
				t.Errorf("%s: %s is %q, want %q", w.Email, name, got, value)
			}
		}
		if len(w.Properties) != len(want) {
			t.Errorf("%s: properties %v, want those of %v", w.Email, w.Properties, want)
		}
		if c, ok := in.Sim.Contact(w.Email); !ok || c.Properties["email"] != w.Email {
			t.Errorf("%s is not in HubSpot under its email", w.Email)
		}
	}
}

func TestSeed5WrongKeyThenRightKey(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	in.Exec(`INSERT INTO contacts (email, name, hubspot_sync_status, hubspot_processing_status)
		VALUES ('retry@example.com', 'Retry Test', 'Queued', 'Queued')`)
	wrong := in.Start(in.Env("HUBSPOT_API_KEY=pat-eu1-wrong-key"), "run")
	failed := wrong.Wait("HubSpot sync failed", 1)[0]
	if message, _ := failed["error"].(string); !strings.Contains(message, "401") {
		t.Errorf("logged error %q, want one with 401", message)
	}
	in.Await("Queued/Queued 1 UNAUTHORIZED t t hubspot", `SELECT concat_ws(' ', hubspot_sync_status || '/' || hubspot_processing_status, retry_count,
		hubspot_error_code, hubspot_processing_error LIKE '%401%',
		next_retry_at BETWEEN now() + interval '4 min' AND now() + interval '6 min', last_failed_crm) FROM contacts`)
	if code := wrong.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	in.Start(in.Env(), "run")
	in.Await("Complete/Complete 1 t f", `SELECT concat_ws(' ', hubspot_sync_status || '/' || hubspot_processing_status, retry_count,
		hubspot_contact_id IS NOT NULL, coalesce(hubspot_processing_error, hubspot_error_code) IS NOT NULL) FROM contacts`)
}

func TestSeed5Delays(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, exponential string
		factors           []float64 // of the delay
	}{
		{"exponential", "true", []float64{1, 2, 4}},
		{"linear", "false", []float64{1, 2, 3}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			in := progtest.Install(t)
			in.Sim.Inject(hubspotsim.Fault{Path: "batch/upsert", Mode: hubspotsim.MissingResults})
			in.Queue(1)
			p := in.Start(in.Env("HUBSPOT_SYNC_RETRY_DELAY_MINUTES=500ms", "HUBSPOT_SYNC_RETRY_EXPONENTIAL="+test.exponential), "run")
			in.Await("Error/Error 3 NOT_CONFIRMED t", `SELECT concat_ws(' ', hubspot_sync_status || '/' || hubspot_processing_status, retry_count, hubspot_error_code,
				hubspot_processing_error LIKE 'Max retries exceeded (3). Last error: %') FROM contacts`)
			p.Wait("HubSpot sync failed", 4)
			if got := in.Ask(`SELECT string_agg(attempt::text, ' ' ORDER BY id) FROM contactsync.failures`); got != "1 2 3 4" {
				t.Errorf("attempts %s, want 1 2 3 4", got)
			}
			// The gap between two attempts is at least the delay less its jitter.
			for i, factor := range test.factors {
				got := in.Ask(`SELECT (extract(epoch FROM b.at - a.at) >= $1::float8 * 0.5 * 0.9)::text
					FROM contactsync.failures a JOIN contactsync.failures b ON b.attempt = a.attempt + 1 WHERE a.attempt = $2::int`, factor, i+1)
				if got != "true" {
					t.Errorf("attempt %d came too early", i+2)
				}
			}
		})
	}
}

func TestSeed6Batches(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	in.Queue(25)
	p := in.Start(in.Env(), "run")
	p.Wait("Finished HubSpot sync scheduler cycle", 3)
	in.Await("25 Complete/Complete", progtest.Counts)
	var sizes []string
	for _, r := range p.Saw("Starting HubSpot sync scheduler cycle") {
		sizes = append(sizes, fmt.Sprint(r["contacts"]))
	}
	if got := strings.Join(sizes, " "); got != "10 10 5" {
		t.Errorf("cycles of %s, want 10 10 5", got)
	}
	in.WantEachOnce(25)
	// Back to back: the tick is an hour away, and no cycle waited for anything.
	if n := in.Ask(`SELECT count(*)::text FROM contactsync.cycles a JOIN contactsync.cycles b ON b.id > a.id AND b.started_at > a.finished_at + interval '30 s'`); n != "0" {
		t.Error("a cycle waited although the queue was not empty")
	}
}

func TestSeed7ThreeReplicas(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	var replicas []*progtest.Process
	for range 3 {
		p := in.Start(in.Env(), "run")
		p.Wait("HubSpot sync scheduler job registered successfully", 1)
		replicas = append(replicas, p)
	}
	in.AwaitAsleep()
	in.Queue(20)
	in.Await("20 Complete/Complete", progtest.Counts)
	in.WantEachOnce(20)
	if n := in.Ask(`SELECT count(DISTINCT instance)::text FROM contactsync.cycles`); n != "1" {
		t.Errorf("%s leaders worked, want one", n)
	}
	lead := in.Leader()
	for _, p := range replicas {
		if p.Is(lead) {
			if code := p.Stop(); code != 0 {
				t.Errorf("the leader's exit code is %d", code)
			}
		} else if n := len(p.Saw("Starting HubSpot sync scheduler cycle")); n != 0 {
			t.Errorf("a follower ran %d cycles", n)
		}
	}
	in.Exec(`INSERT INTO contacts (email, hubspot_sync_status, hubspot_processing_status) VALUES ('after@example.org', 'Queued', 'Queued')`)
	in.Await("21 Complete/Complete", progtest.Counts)
	if next := in.Leader(); next == lead {
		t.Errorf("%s still leads", lead)
	}
	in.WantEachOnce(21)
}

func TestSeed8Performance(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	in.Sim.Inject(hubspotsim.Fault{Path: "batch/upsert", Mode: hubspotsim.MissingResults, Skip: 3, Times: 1})
	in.Queue(40)
	in.Start(in.Env("HUBSPOT_SYNC_RETRY_DELAY_MINUTES=200ms"), "run")
	in.Await("40 Complete/Complete", progtest.Counts)
	out, _, code := in.Command(in.Env(), "status", "--json")
	if code != 0 {
		t.Fatalf("status: exit code %d: %s", code, out)
	}
	var status struct {
		Measures struct {
			Synced, Retried, Recovered, Cycles int
			SecondsPerContact                  float64 `json:"seconds_per_contact"`
			CycleSeconds                       float64 `json:"cycle_seconds"`
		}
	}
	if err := json.Unmarshal([]byte(out), &status); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	m := status.Measures
	if m.Synced != 40 || m.Retried != 10 || m.Recovered != 10 || m.Cycles < 5 {
		t.Errorf("measures %+v, want 40 synced, 10 retried and recovered", m)
	}
	if m.SecondsPerContact <= 0 || m.CycleSeconds <= 0 {
		t.Errorf("measures %+v, want times", m)
	}
	t.Logf("%.1f ms a contact, %.1f ms a cycle", 1000*m.SecondsPerContact, 1000*m.CycleSeconds)
	text, _, _ := in.Command(in.Env(), "status")
	for _, want := range []string{"80.0 %", "> 95 %", "20.0 %", "< 5 %", "≤ 2 s", "≤ 20 s"} {
		if !strings.Contains(text, want) {
			t.Errorf("status does not say %q:\n%s", want, text)
		}
	}
}

// The seed's rollback: without the key the program does nothing, and a person
// can still sync by hand with a key given for the call.
func TestSeedRollback(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	before := in.Start(in.Env(), "run")
	in.Exec(seedContacts)
	in.Await("3 Complete/Complete", progtest.Counts)
	if code := before.Stop(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	in.Exec(`UPDATE contacts SET hubspot_processing_status = 'Queued', hubspot_sync_status = 'Queued'`)
	p := in.Start(in.Env("HUBSPOT_API_KEY="), "run")
	p.Wait("HUBSPOT_API_KEY not configured - HubSpot sync scheduler DISABLED", 1)
	out, errs, code := in.Command(in.Env(), "sync", "Scheduler-Test-2@example.com ")
	if code != 0 {
		t.Fatalf("sync: exit code %d\n%s%s", code, out, errs)
	}
	if got := in.Ask(progtest.Counts); got != "1 Complete/Complete, 2 Queued/Queued" {
		t.Errorf("contacts are %s", got)
	}
}
