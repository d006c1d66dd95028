package hubspot

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination/hubspot/api"
	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

// What the way to HubSpot, or something on it, makes of a good request.
func TestSpoiledAnswers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		fault   hubspotsim.Fault
		want    string
		says    string
		written bool
	}{
		{"lost response", hubspotsim.Fault{Mode: hubspotsim.Cut, AfterWrite: true}, "3 retry NETWORK in doubt, outage", "broken", true},
		{"cut before it was read", hubspotsim.Fault{Mode: hubspotsim.Cut}, "3 retry NETWORK in doubt, outage", "broken", false},
		{"hang", hubspotsim.Fault{Mode: hubspotsim.Hang}, "3 retry TIMEOUT in doubt, outage", "no response from HubSpot within 3s", false},
		{"hang after the write", hubspotsim.Fault{Mode: hubspotsim.Hang, AfterWrite: true}, "3 retry TIMEOUT in doubt, outage", "no response", true},
		{"truncated", hubspotsim.Fault{Mode: hubspotsim.Truncate}, "3 retry BAD_RESPONSE in doubt, outage", "truncated", true},
		{"not JSON", hubspotsim.Fault{Mode: hubspotsim.NotJSON}, "3 retry BAD_RESPONSE, outage", "not the expected JSON", false},
		{"wrong content type", hubspotsim.Fault{Mode: hubspotsim.ContentType}, "3 retry BAD_RESPONSE, outage", "text/html", true},
		{"50 MB", hubspotsim.Fault{Mode: hubspotsim.Huge, Size: 50 << 20}, "3 retry BAD_RESPONSE, outage", "longer than 10 MiB", false},
		{"no results", hubspotsim.Fault{Mode: hubspotsim.MissingResults}, "3 retry NOT_CONFIRMED", "not confirmed", true},
		{"a result is missing", hubspotsim.Fault{Mode: hubspotsim.MissingResults, Drop: 3}, "3 retry NOT_CONFIRMED", "not confirmed", true},
		{"results of others", hubspotsim.Fault{Mode: hubspotsim.OtherResults}, "3 retry NOT_CONFIRMED", "not confirmed", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			// A deadline that must pass is short, one that must not is not.
			timeout := time.Minute
			if test.fault.Mode == hubspotsim.Hang {
				timeout = 3 * time.Second
			}
			p := overTheWire(t, simOptions(), func(o *Options) { o.Timeout = timeout })
			p.Inject(test.fault)
			batch := people(3)
			report := p.Upsert(t.Context(), batch)
			check(t, report, test.want)
			if m := report.Outcomes[0].Message; !strings.Contains(m, test.says) {
				t.Errorf("message %q does not say %q", m, test.says)
			}
			if written := len(p.Writes()) > 0; written != test.written {
				t.Errorf("written: %v, want %v", written, test.written)
			}
			p.ClearFaults()
			check(t, p.Upsert(t.Context(), batch), "3 synced")
		})
	}
}

// endless is a transport whose answers never end.
type endless struct{ read, most int }

func (e *endless) RoundTrip(*http.Request) (*http.Response, error) {
	e.read = 0
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: e}, nil
}

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	e.read += len(p)
	e.most = max(e.most, e.read)
	return len(p), nil
}

func (e *endless) Close() error { return nil }

func TestAnEndlessAnswerIsNotReadOn(t *testing.T) {
	t.Parallel()
	answer := new(endless)
	c := newClient(t, api.Options{HTTP: &http.Client{Transport: answer}}, nil)
	check(t, c.Upsert(t.Context(), people(1)), "1 retry BAD_RESPONSE, outage")
	if answer.most > maxBody+1 {
		t.Errorf("%d bytes read of one, want at most %d", answer.most, maxBody+1)
	}
}

func TestOneResultIsMissing(t *testing.T) {
	t.Parallel()
	p := overTheWire(t, simOptions(), nil)
	p.Inject(hubspotsim.Fault{Mode: hubspotsim.MissingResults, Drop: 1})
	report := p.Upsert(t.Context(), people(50))
	counts := map[contact.Verdict]int{}
	for i, o := range report.Outcomes {
		counts[o.Verdict]++
		if stored, _ := p.Contact(people(50)[i].Key()); o.Verdict == contact.Synced && o.RemoteID != stored.ID {
			t.Errorf("contact %d: id %s, stored as %s", i, o.RemoteID, stored.ID)
		}
	}
	if counts[contact.Synced] != 49 || counts[contact.Retry] != 1 {
		t.Errorf("%v, want 49 synced and one retry", counts)
	}
}

func TestRefusedConnectionLeavesNoDoubt(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	address := server.URL
	server.Close()
	hc := api.NewHTTPClient()
	c := newClient(t, api.Options{BaseURL: address, HTTP: hc}, nil)
	report := c.Upsert(t.Context(), people(250))
	check(t, report, "100 retry NETWORK, 150 unspent NETWORK, outage")
	if report.Requests != 1 {
		t.Errorf("%d requests, want 1", report.Requests)
	}
}

// The key and the contacts must not follow a redirect, even if the client that
// was passed in would.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		visited := make(chan string, 10)
		elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			visited <- r.Header.Get("Authorization")
		}))
		t.Cleanup(elsewhere.Close)
		p := overTheWire(t, simOptions(), func(o *Options) {
			o.HTTP = &http.Client{Transport: o.HTTP.Transport} // follows redirects
		})
		p.Inject(hubspotsim.Fault{Mode: hubspotsim.Redirect, URL: elsewhere.URL + "/crm", Status: status})
		report := p.Upsert(t.Context(), people(2))
		check(t, report, "2 retry BAD_RESPONSE, outage")
		if m := report.Outcomes[0].Message; !strings.Contains(m, "redirects are not followed") {
			t.Errorf("message %q", m)
		}
		if err := p.Probe(t.Context()); err == nil {
			t.Error("a redirected probe passes")
		}
		if len(visited) > 0 {
			t.Errorf("%d: a redirect was followed with %q", status, <-visited)
		}
	}
}

// The caller breaks a request off: what was sent is in doubt, what was not is
// not, and nobody has spent an attempt.
func TestCutInFlight(t *testing.T) {
	t.Parallel()
	p := overTheWire(t, simOptions(), nil)
	check(t, p.Upsert(t.Context(), people(1)), "1 synced")
	p.Inject(hubspotsim.Fault{Path: "batch/upsert", Mode: hubspotsim.Hang})
	ctx, cut := context.WithCancel(t.Context())
	defer cut()
	answered := make(chan contact.Report, 1)
	go func() { answered <- p.Upsert(ctx, people(1000)) }()
	if _, err := p.WaitArrivals(t.Context(), 1+api.Concurrency); err != nil {
		t.Fatal(err)
	}
	cut()
	report := <-answered
	check(t, report, "400 unspent WORKER_STOPPED in doubt, 600 unspent WORKER_STOPPED")
	if report.Requests != api.Concurrency {
		t.Errorf("%d requests, want %d side by side", report.Requests, api.Concurrency)
	}
	p.ClearFaults()
	check(t, p.Upsert(t.Context(), people(1000)), "1000 synced")
}

// No request that the rate limit has let through waits for a connection: it would
// arrive together with later ones, more than the limit in 10 s. Seven batches of 101
// contacts are the most requests that a leader has under way.
func TestNoRequestWaitsForAConnection(t *testing.T) {
	t.Parallel()
	// None is given up for its time, which would let go of its connection.
	p := overTheWire(t, simOptions(), func(o *Options) { o.RatePer10s, o.Timeout = 1000, time.Hour })
	check(t, p.Upsert(t.Context(), people(1)), "1 synced")
	p.Inject(hubspotsim.Fault{Path: "batch/upsert", Mode: hubspotsim.Hang})
	ctx, cut := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for range 7 {
		group.Go(func() { p.Upsert(ctx, people(101)) })
	}
	waiting, end := context.WithTimeout(t.Context(), time.Minute)
	defer end()
	if _, err := p.WaitArrivals(waiting, 1+14); err != nil {
		t.Errorf("%d requests of 14 arrived: %v", len(p.Received())-1, err)
	}
	cut()
	group.Wait()
}

func TestDeadContextSendsNothing(t *testing.T) {
	t.Parallel()
	p := overTheWire(t, simOptions(), func(o *Options) { o.PortalID = testPortal })
	ctx, cut := context.WithCancel(t.Context())
	cut()
	batch := people(150)
	batch[3].Email = ""
	report := p.Upsert(ctx, batch)
	check(t, report, "149 unspent WORKER_STOPPED, 1 reject NO_EMAIL")
	if n := len(p.Received()); n != 0 || report.Requests != 0 {
		t.Errorf("%d requests, %d counted, want none", n, report.Requests)
	}
}

// TestOneConnection has requests that follow one another, refused ones among
// them, share a connection: HTTP/2 to https, and kept alive without it.
func TestOneConnection(t *testing.T) {
	t.Parallel()
	for protocol, secure := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		sim := hubspotsim.New(simOptions())
		var opened, others atomic.Int32
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Proto != protocol {
				others.Add(1)
			}
			sim.ServeHTTP(w, r)
		}))
		server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				opened.Add(1)
			}
		}
		hc := api.NewHTTPClient()
		if secure {
			server.EnableHTTP2 = true
			server.StartTLS()
			trust(t, hc, server)
		} else {
			server.Start()
		}
		t.Cleanup(server.Close)
		t.Cleanup(hc.CloseIdleConnections)
		c := newClient(t, api.Options{BaseURL: server.URL, HTTP: hc}, nil)
		check(t, c.Upsert(t.Context(), people(100)), "100 synced")
		sim.Inject(hubspotsim.Fault{Status: http.StatusServiceUnavailable, Times: 2}) // the upsert, and the look at the account
		check(t, c.Upsert(t.Context(), people(100)), "100 retry SERVER_ERROR, outage")
		check(t, c.Upsert(t.Context(), people(100)), "100 synced")
		if opened.Load() != 1 || others.Load() != 0 {
			t.Errorf("%s: %d connections, %d requests by another protocol, want one and none", protocol, opened.Load(), others.Load())
		}
	}
}

// trust has a client take a test server's certificate.
func trust(t *testing.T, hc *http.Client, server *httptest.Server) {
	t.Helper()
	trusting, ok := server.Client().Transport.(*http.Transport)
	transport, also := hc.Transport.(*http.Transport)
	if !ok || !also {
		t.Fatalf("transports are %T and %T", server.Client().Transport, hc.Transport)
	}
	transport.TLSClientConfig = trusting.TLSClientConfig.Clone()
	transport.TLSClientConfig.NextProtos = nil
}

func TestUnknownCertificate(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(hubspotsim.New(simOptions()))
	server.Config.ErrorLog = quiet()
	server.StartTLS()
	t.Cleanup(server.Close)
	c := newClient(t, api.Options{BaseURL: server.URL}, nil)
	check(t, c.Upsert(t.Context(), people(1)), "1 retry NETWORK, outage")
}

// heldBack is a way to HubSpot on which this side sends nothing.
type heldBack struct{}

func (heldBack) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("%w: the claims were not refreshed in time", contact.ErrNotSent)
}

// A request that this side held back is nobody's failure: it spends nothing, leaves
// no doubt, and is no outage of HubSpot's.
func TestHeldBackSpendsNothing(t *testing.T) {
	t.Parallel()
	p := overTheWire(t, simOptions(), func(o *Options) { o.HTTP = &http.Client{Transport: heldBack{}} })
	report := p.Upsert(t.Context(), people(3))
	check(t, report, "3 unspent WORKER_STOPPED")
	if report.Pause != nil {
		t.Errorf("paused: %+v", report.Pause)
	}
}
