package hubspot

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination/hubspot/api"
	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testToken  = "pat-eu1-7d1e0f5c-this-is-the-test-token"
	testPortal = 4242
)

// The bounds that package api promises, in its own words.
const (
	maxMessage   = 500            // characters of a message
	maxID        = 64             // bytes of a contact's id
	maxBody      = 10 << 20       // bytes read of an answer
	maxWaits     = 5              // repetitions of a request while HubSpot is busy
	longestPause = 24 * time.Hour // that HubSpot can ask for
	resetMargin  = 30 * time.Second
)

// pass lets time go by.
func pass(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
		t.Fatal(t.Context().Err())
	}
}

var names = PropertyNames{
	DomainID: "scrapersky_domain_id", PageID: "scrapersky_page_id", SyncDate: "scrapersky_sync_date",
}

// remote is a simulator with a client for it.
type remote struct {
	*hubspotsim.Sim
	*Client
}

func simOptions() hubspotsim.Options {
	return hubspotsim.Options{Token: testToken, PortalID: testPortal, TimeZone: "America/New_York", Seed: 1}
}

// overTheWire starts a simulator behind real connections.
func overTheWire(t *testing.T, sim hubspotsim.Options, change func(*Options)) remote {
	t.Helper()
	p := remote{Sim: hubspotsim.New(sim)}
	server := httptest.NewServer(p.Sim)
	t.Cleanup(server.Close)
	t.Cleanup(p.ClearFaults)
	hc := api.NewHTTPClient()
	t.Cleanup(hc.CloseIdleConnections)
	p.Client = newClient(t, api.Options{BaseURL: server.URL, HTTP: hc}, change)
	return p
}

// inMemory joins a simulator and a client without a connection, so that both can
// live in a bubble of testing/synctest, on its clock.
func inMemory(t *testing.T, sim hubspotsim.Options, change func(*Options)) remote {
	t.Helper()
	p := remote{Sim: hubspotsim.New(sim)}
	p.Client = newClient(t, api.Options{HTTP: &http.Client{Transport: direct{p.Sim}}}, change)
	return p
}

func newClient(t *testing.T, speaking api.Options, change func(*Options)) *Client {
	t.Helper()
	o := Options{Options: speaking, Properties: names}
	o.Token, o.RatePer10s = testToken, 1_000_000
	if change != nil {
		change(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// direct is a transport that calls a handler.
type direct struct{ http.Handler }

func (d direct) RoundTrip(r *http.Request) (res *http.Response, err error) {
	httptrace.ContextClientTrace(r.Context()).GotConn(httptrace.GotConnInfo{})
	recorder := httptest.NewRecorder()
	defer func() {
		if p := recover(); p != nil {
			if p != http.ErrAbortHandler { //nolint:errorlint // a panic's value, not an error returned
				panic(p)
			}
			res, err = nil, io.ErrUnexpectedEOF
		}
	}()
	d.ServeHTTP(recorder, r)
	return recorder.Result(), r.Context().Err()
}

// canned is a transport that returns the same for every request.
type canned struct {
	status int
	header http.Header
	body   string
}

func (c canned) RoundTrip(*http.Request) (*http.Response, error) {
	header := c.header.Clone()
	if header == nil {
		header = http.Header{}
	}
	if header.Get("Content-Type") == "" {
		header.Set("Content-Type", "application/json;charset=utf-8")
	}
	return &http.Response{StatusCode: c.status, Header: header, Body: io.NopCloser(strings.NewReader(c.body))}, nil
}

func people(n int) []contact.Contact {
	batch := make([]contact.Contact, n)
	for i := range batch {
		batch[i] = contact.Contact{
			ID: fmt.Sprint(i), Email: fmt.Sprintf("Person%03d@Example.org", i), Name: fmt.Sprintf("Person Number%d", i),
		}
	}
	return batch
}

// tell sums a report up: how many of each verdict and code.
func tell(r contact.Report) string {
	counts := map[string]int{}
	var order []string
	for _, o := range r.Outcomes {
		key := strings.TrimSpace(string(o.Verdict) + " " + string(o.Code))
		if o.InDoubt {
			key += " in doubt"
		}
		if counts[key] == 0 {
			order = append(order, key)
		}
		counts[key]++
	}
	for i, key := range order {
		order[i] = fmt.Sprintf("%d %s", counts[key], key)
	}
	if r.Pause != nil {
		order = append(order, "pause "+string(r.Pause.Code))
	}
	if r.Outage {
		order = append(order, "outage")
	}
	return strings.Join(order, ", ")
}

func check(t *testing.T, r contact.Report, want string) {
	t.Helper()
	if got := tell(r); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
		for i, o := range r.Outcomes {
			if o.Verdict != contact.Synced {
				t.Logf("for instance contact %d: %+v", i, o)
				break
			}
		}
	}
	for i, o := range r.Outcomes {
		if o.Verdict != contact.Synced && o.Message == "" {
			t.Errorf("contact %d: %s without a message for people", i, o.Code)
		}
		if strings.Contains(o.Message, testToken) || len([]rune(o.Message)) > maxMessage {
			t.Errorf("contact %d: message %q", i, o.Message)
		}
	}
	if r.Pause != nil && (r.Pause.Reason == "" || strings.Contains(r.Pause.Reason, testToken)) {
		t.Errorf("pause %+v", r.Pause)
	}
}

// upserts counts the upserts that a simulator received.
func (p remote) upserts() int { return p.count("/batch/upsert") }

func (p remote) count(path string) int {
	n := 0
	for _, r := range p.Received() {
		if strings.Contains(r.Path, path) {
			n++
		}
	}
	return n
}

// today is the day of all tests that look at the sync date.
func today() time.Time {
	return time.Date(2026, 9, 30, 23, 30, 0, 0, time.FixedZone("", -2*3600)) // October in UTC
}

// quiet is for servers whose clients misbehave on purpose.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }
