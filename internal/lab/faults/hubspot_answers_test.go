package faults

import (
	"cmp"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// asThey tells how all contacts stand, each kind once: status, attempts spent
// and code.
const asThey = `SELECT string_agg(DISTINCT concat_ws(' ', hubspot_sync_status || '/' || hubspot_processing_status, retry_count,
	coalesce(hubspot_error_code, '-')), ', ') FROM contacts`

// answer is one thing that HubSpot, or what stands between, may answer.
type answer struct {
	name  string
	fault hubspotsim.Fault // of upserts, unless it names another path

	rows    string        // what asThey says while the fault lasts
	pause   string        // the code of the account's pause; empty: none
	says    string        // what its reason tells
	least   time.Duration // how long the pause lasts, from
	most    time.Duration // to
	upserts int           // requests until then at most

	restart bool   // the pause is longer than a test: the program starts anew
	env     string // one more setting
	after   string // what asThey says once the fault is over
}

const (
	contacts   = 3   // that are queued in each case
	everywhere = "/" // the path of a fault of every request
	queued     = "Queued/Queued "
	complete   = "Complete/Complete "
)

// outage is what all faults have in common that look like HubSpot being down:
// three batches (of one contact each here) spend an attempt, then it is left
// alone.
func outage(name, code, says string, fault hubspotsim.Fault) answer {
	return answer{
		name: name, fault: fault, rows: queued + "1 " + code, pause: code, says: says,
		least: 5 * time.Second, most: 5 * time.Second, upserts: contacts, env: "HUBSPOT_SYNC_SCHEDULER_BATCH_SIZE=1", after: complete + "1 -",
	}
}

func answers(elsewhere string) []answer {
	status := func(status int) hubspotsim.Fault { return hubspotsim.Fault{Status: status} }
	const probe = 30 * time.Second
	return []answer{
		{
			name: "401", fault: hubspotsim.Fault{Status: http.StatusUnauthorized, Path: everywhere},
			rows: queued + "1 UNAUTHORIZED", pause: "UNAUTHORIZED", says: "HUBSPOT_API_KEY",
			least: probe, most: probe, upserts: 1, restart: true, after: complete + "1 -",
		},
		{
			name: "403", fault: status(http.StatusForbidden),
			rows: queued + "1 FORBIDDEN", pause: "FORBIDDEN", says: "crm.objects.contacts.write",
			least: probe, most: probe, upserts: 1, restart: true, after: complete + "1 -",
		},
		{
			name: "429 ten-secondly that does not end",
			fault: hubspotsim.Fault{
				Status: http.StatusTooManyRequests,
				Header: map[string]string{"X-HubSpot-RateLimit-Interval-Milliseconds": "200"},
			},
			rows: queued + "0 -", pause: "RATE_LIMITED", says: "too many",
			// The first one waits five times, three contacts alone once each.
			least: probe, most: probe, upserts: 12, restart: true, after: complete + "0 -",
		},
		{
			name: "429 daily", fault: hubspotsim.Fault{Mode: hubspotsim.DailyLimit},
			rows: queued + "0 -", pause: "DAILY_LIMIT", says: "daily request limit",
			least: 14 * time.Minute, most: 24*time.Hour + time.Minute, upserts: 1, restart: true, after: complete + "0 -",
		},
		{
			name: "477", fault: status(477),
			rows: queued + "0 -", pause: "MIGRATING", says: "moving the account",
			least: time.Hour, most: time.Hour, upserts: 1, restart: true, after: complete + "0 -",
		},
		outage("500", "SERVER_ERROR", "500", status(http.StatusInternalServerError)),
		outage("502 with a page", "SERVER_ERROR", "502", status(http.StatusBadGateway)),
		outage("503", "SERVER_ERROR", "503", status(http.StatusServiceUnavailable)),
		outage("504", "SERVER_ERROR", "504", status(http.StatusGatewayTimeout)),
		outage("no answer", "TIMEOUT", "within 1s", hubspotsim.Fault{Mode: hubspotsim.Hang}),
		outage("reset", "NETWORK", "broke", hubspotsim.Fault{Mode: hubspotsim.Cut}),
		outage("lost response after the write", "NETWORK", "broke", hubspotsim.Fault{Mode: hubspotsim.Cut, AfterWrite: true}),
		outage("truncated", "BAD_RESPONSE", "response truncated", hubspotsim.Fault{Mode: hubspotsim.Truncate}),
		outage("not JSON", "BAD_RESPONSE", "not the expected JSON", hubspotsim.Fault{Mode: hubspotsim.NotJSON}),
		outage("wrong Content-Type", "BAD_RESPONSE", "text/html", hubspotsim.Fault{Mode: hubspotsim.ContentType}),
		outage("50 MB", "BAD_RESPONSE", "longer than", hubspotsim.Fault{Mode: hubspotsim.Huge, Size: 50 << 20}),
		outage("redirect to another host", "BAD_RESPONSE", "not followed", hubspotsim.Fault{Mode: hubspotsim.Redirect, URL: elsewhere + "/steal"}),
		// Answers in order, but without what was asked for: the rows try again, and
		// nobody else is to blame.
		{
			name: "200 with missing results", fault: hubspotsim.Fault{Mode: hubspotsim.MissingResults, Times: 1},
			rows: complete + "1 -", upserts: 1 + contacts, env: "HUBSPOT_SYNC_RETRY_DELAY_MINUTES=200ms", after: complete + "1 -",
		},
		{
			name: "200 with results of others", fault: hubspotsim.Fault{Mode: hubspotsim.OtherResults, Times: 1},
			rows: complete + "1 -", upserts: 1 + contacts, env: "HUBSPOT_SYNC_RETRY_DELAY_MINUTES=200ms", after: complete + "1 -",
		},
		// Short waits are no failures.
		{
			name: "429 ten-secondly",
			fault: hubspotsim.Fault{
				Status: http.StatusTooManyRequests, Times: 1,
				Header: map[string]string{"X-HubSpot-RateLimit-Interval-Milliseconds": scaled("1500", "10000")},
			},
			rows: complete + "0 -", upserts: 2, after: complete + "0 -",
		},
		{
			name: "423", fault: hubspotsim.Fault{Status: http.StatusLocked, Times: 1},
			rows: complete + "0 -", upserts: 2, after: complete + "0 -",
		},
	}
}

// TestHubSpotAnswers plays every answer that is no plain success, for as long as
// the fault lasts and beyond: what it costs the rows, what it means for the
// account, that nothing loops meanwhile, and that everything ends well.
func TestHubSpotAnswers(t *testing.T) {
	t.Parallel()
	var followed atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Add(1) }))
	t.Cleanup(func() { // after the subtests
		elsewhere.Close()
		if n := followed.Load(); n != 0 {
			t.Errorf("%d requests followed the redirect to another host", n)
		}
	})
	for _, a := range answers(elsewhere.URL) {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			a.play(t)
		})
	}
}

func (a answer) play(t *testing.T) {
	t.Helper()
	in := progtest.Install(t)
	if a.fault.Path == "" {
		a.fault.Path = "batch/upsert"
	}
	in.Sim.Inject(a.fault)
	// No contact is due again before all have had their turn.
	env := in.Env("HUBSPOT_TIMEOUT=1s", "HUBSPOT_SYNC_RETRY_DELAY_MINUTES=10s", a.env)
	if a.fault.Mode == hubspotsim.Huge { // it takes its time to read
		env = append(env, "HUBSPOT_TIMEOUT=10s")
	}
	if a.restart {
		env = append(env, "HUBSPOT_SYNC_RETRY_DELAY_MINUTES=5")
	}
	p := in.Start(env, "run")
	if a.fault.Path == everywhere {
		p.Wait("HubSpot account check failed", 1)
	} else {
		p.Wait("HubSpot account checked", 1)
	}
	in.AwaitAsleep()
	began := time.Now()
	in.Queue(contacts)
	a.checkPause(t, in)
	in.Await(a.rows, asThey)
	reached := time.Since(began)
	if n := upserts(in); n > a.upserts {
		t.Errorf("%d upserts until all contacts were %s, want at most %d", n, a.rows, a.upserts)
	}
	calm := watch(in, scaled(pauseIsSeen, pauseIsMeasured))
	calm.check(t)

	in.Sim.ClearFaults()
	cleared := time.Now()
	if a.restart {
		if code := p.Stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		a.checkLog(t, p)
		p = in.Start(env, "run")
	}
	in.Await(a.after, asThey)
	t.Logf("%v to %q with %d upserts, pause %s; then in %v %s; all %q %v after the end of the fault, %d writes",
		reached.Round(time.Millisecond), a.rows, a.upserts, cmp.Or(a.pause, "none"), calm.lasted, calm, a.after, time.Since(cleared).Round(time.Millisecond),
		in.Sim.Stats().Writes)
	a.checkLog(t, p)
	a.checkData(t, in)
}

// checkPause compares the account's pause, as other processes see it.
func (a answer) checkPause(t *testing.T, in *progtest.Installation) {
	t.Helper()
	const paused = `SELECT coalesce(pause_code, '') FROM contactsync.slots`
	in.Await(a.pause, paused)
	if a.pause == "" {
		return
	}
	seconds, err := strconv.ParseFloat(in.Ask(`SELECT extract(epoch FROM pause_until - pause_since)::text FROM contactsync.slots`), 64)
	if err != nil {
		t.Fatal(err)
	}
	lasts := time.Duration(seconds * float64(time.Second)).Round(time.Second)
	if lasts < a.least || lasts > a.most {
		t.Errorf("the pause lasts %v, want %v to %v", lasts, a.least, a.most)
	}
	if reason := in.Ask(`SELECT pause_reason FROM contactsync.slots`); !strings.Contains(reason, a.says) {
		t.Errorf("the pause says %q, want something about %q", reason, a.says)
	}
}

func (a answer) checkLog(t *testing.T, p *progtest.Process) {
	t.Helper()
	log := p.Log()
	if strings.Contains(strings.Join(log, "\n"), progtest.GoodKey) {
		t.Error("the key is in the log")
	}
	const most = 120 // three contacts, four tries, and what a start says
	if len(log) > most {
		t.Errorf("%d lines of log, want at most %d:\n%s", len(log), most, p.Tail())
	}
}

// checkData looks whether HubSpot has each contact once and as the row is.
func (a answer) checkData(t *testing.T, in *progtest.Installation) {
	t.Helper()
	if n := len(in.Sim.Contacts()); n != contacts {
		t.Errorf("%d contacts in HubSpot, want %d", n, contacts)
	}
	for i := range contacts {
		n := strconv.Itoa(i + 1)
		c, ok := in.Sim.Contact("c" + n + "@example.org")
		if !ok || c.Properties["lastname"] != n {
			t.Errorf("contact %s is %v in HubSpot", n, c.Properties)
		}
		if id := in.Ask(`SELECT hubspot_contact_id FROM contacts WHERE email = $1`, "c"+n+"@example.org"); id != c.ID {
			t.Errorf("contact %s has the id %s, in HubSpot it is %s", n, id, c.ID)
		}
	}
}

// upserts is how many requests brought contacts.
func upserts(in *progtest.Installation) int {
	n := 0
	for _, r := range in.Sim.Received() {
		if strings.HasSuffix(r.Path, "batch/upsert") {
			n++
		}
	}
	return n
}
