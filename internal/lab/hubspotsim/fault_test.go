package hubspotsim_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

// served is a Sim behind a real socket.
type served struct {
	*hubspotsim.Sim
	url    string
	client *http.Client
}

func serve(t *testing.T, o hubspotsim.Options) *served {
	t.Helper()
	sim := newSim(t, o)
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	t.Cleanup(sim.ClearFaults) // before Close, which waits for what hangs
	client := server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &served{sim, server.URL, client}
}

// upsert sends one batch over the socket. err is that of the request or of
// reading the body, of which then a part is there.
func (s *served) upsert(ctx context.Context, rows ...input) (reply, error) {
	body := strings.NewReader(batch(rows...))
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+objects("2026-09", "batch/upsert"), body)
	if err != nil {
		return reply{}, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	response, err := s.client.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	return reply{status: response.StatusCode, header: response.Header, body: string(data)}, err
}

func TestFaultStatuses(t *testing.T) {
	t.Parallel()
	for status, body := range map[int]string{
		400: "VALIDATION_ERROR", 401: "INVALID_AUTHENTICATION", 403: "MISSING_SCOPES", 404: "OBJECT_NOT_FOUND",
		409: "CONFLICT", 413: "error", 423: "LOCKED", 429: "TEN_SECONDLY_ROLLING", 477: "MIGRATION", 500: "INTERNAL_ERROR",
		502: "<html>", 503: "<html>", 504: "<html>", 520: "<html>", 524: "<html>",
	} {
		sim := newSim(t, hubspotsim.Options{RatePer10s: 100})
		sim.Inject(hubspotsim.Fault{Status: status})
		got := upsert(t, sim, "2026-09", row("ada@example.org", nil))
		if got.status != status || !strings.Contains(got.body, body) {
			t.Errorf("%d: answered %d %s", status, got.status, got.body)
		}
		if html := strings.HasPrefix(got.header.Get("Content-Type"), "text/html"); html != (status > 500) {
			t.Errorf("%d: content type %s", status, got.header.Get("Content-Type"))
		}
		if after := got.header.Get("Retry-After"); (after != "") != (status == 477) {
			t.Errorf("%d: Retry-After is %q", status, after)
		}
		if got.header.Get("X-HubSpot-RateLimit-Remaining") != "99" {
			t.Errorf("%d: headers %v", status, got.header)
		}
		if sim.Stats().Writes != 0 {
			t.Errorf("%d: written all the same", status)
		}
	}
}

func TestFaultWithItsOwnAnswer(t *testing.T) {
	t.Parallel()
	sim := newSim(t, hubspotsim.Options{})
	sim.Inject(hubspotsim.Fault{
		Status: 423, Body: `{"x":1}`, Header: map[string]string{"Retry-After": "2", "Content-Type": "application/json"}, AfterWrite: true,
	})
	got := upsert(t, sim, "2026-09", row("ada@example.org", nil))
	got.expect(t, 423, map[string]any{"x": 1.0})
	if got.header.Get("Retry-After") != "2" || sim.Stats().Writes != 1 {
		t.Errorf("headers %v, stats %+v", got.header, sim.Stats())
	}
	sim.ClearFaults()
	sim.Inject(hubspotsim.Fault{Header: map[string]string{"X-HubSpot-RateLimit-Remaining": "1"}})
	good := upsert(t, sim, "2026-09", row("ada@example.org", nil))
	good.expect(t, http.StatusOK, nil)
	if good.header.Get("X-HubSpot-RateLimit-Remaining") != "1" {
		t.Errorf("headers of a good answer: %v", good.header)
	}
}

func TestFaultDoesNotOutrankCredentials(t *testing.T) {
	t.Parallel()
	sim := newSim(t, hubspotsim.Options{})
	sim.SetToken("another")
	sim.Inject(hubspotsim.Fault{Status: 503, AfterWrite: true})
	upsert(t, sim, "2026-09", row("ada@example.org", nil)).expect(t, http.StatusUnauthorized, nil)
}

func TestFaultChoosesRequests(t *testing.T) {
	t.Parallel()
	sim := newSim(t, hubspotsim.Options{})
	sim.Inject(hubspotsim.Fault{Method: http.MethodPost, Path: "batch/upsert", Skip: 1, Times: 2, Status: 500})
	sim.Inject(hubspotsim.Fault{Method: http.MethodPost, Path: "batch/upsert", Status: 503})
	sim.Inject(hubspotsim.Fault{Method: http.MethodPatch, Status: 404})
	want := []int{503, 500, 500, 503, 503} // the second takes what the first lets pass
	for i, status := range want {
		if got := upsert(t, sim, "v3", row("ada@example.org", nil)); got.status != status {
			t.Errorf("request %d: status %d, want %d", i+1, got.status, status)
		}
		ping(t, sim).expect(t, http.StatusOK, nil)
	}
	if n := len(sim.Faults()); n != 3 {
		t.Errorf("%d faults are armed", n)
	}
	sim.ClearFaults()
	upsert(t, sim, "v3", row("ada@example.org", nil)).expect(t, http.StatusOK, nil)
	if got := sim.Received()[0].Fault; got != "503" {
		t.Errorf("fault recorded as %q", got)
	}
}

func TestFaultDailyLimit(t *testing.T) {
	t.Parallel()
	sim := newSim(t, hubspotsim.Options{})
	sim.Inject(hubspotsim.Fault{Mode: hubspotsim.DailyLimit})
	upsert(t, sim, "2026-09", row("ada@example.org", nil)).
		expect(t, http.StatusTooManyRequests, map[string]any{"policyName": "DAILY"})
}

func TestFaultRedirect(t *testing.T) {
	t.Parallel()
	sim := newSim(t, hubspotsim.Options{})
	sim.Inject(hubspotsim.Fault{Mode: hubspotsim.Redirect, URL: "http://elsewhere.example.net/", Times: 1})
	sim.Inject(hubspotsim.Fault{Mode: hubspotsim.Redirect, URL: "/here", Status: 302})
	for _, want := range []struct {
		status   int
		location string
	}{{307, "http://elsewhere.example.net/"}, {302, "/here"}} {
		got := upsert(t, sim, "2026-09", row("ada@example.org", nil))
		if got.status != want.status || got.header.Get("Location") != want.location {
			t.Errorf("%d to %q, want %+v", got.status, got.header.Get("Location"), want)
		}
	}
}

func TestFaultsThatSpoilAGoodAnswer(t *testing.T) {
	t.Parallel()
	rows := []input{row("ada@example.org", nil), row("bob@example.org", nil), row("cyd@example.org", nil)}
	tests := map[string]struct {
		fault  hubspotsim.Fault
		writes int
		check  func(reply) bool
	}{
		"no results": {hubspotsim.Fault{Mode: hubspotsim.MissingResults}, 3, func(r reply) bool {
			_, there := r.json["results"]
			return !there && r.json["status"] == "COMPLETE"
		}},
		"one result missing": {hubspotsim.Fault{Mode: hubspotsim.MissingResults, Drop: 1}, 3, func(r reply) bool {
			return len(r.json["results"].([]any)) == 2
		}},
		"all results missing": {hubspotsim.Fault{Mode: hubspotsim.MissingResults, Drop: 9}, 3, func(r reply) bool {
			return len(r.json["results"].([]any)) == 0
		}},
		"results of others": {hubspotsim.Fault{Mode: hubspotsim.OtherResults}, 3, func(r reply) bool {
			return len(r.json["results"].([]any)) == 3 && !strings.Contains(r.body, "example.org")
		}},
		"content type": {hubspotsim.Fault{Mode: hubspotsim.ContentType}, 3, func(r reply) bool {
			return strings.HasPrefix(r.header.Get("Content-Type"), "text/html") && strings.Contains(r.body, `"COMPLETE"`)
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := newSim(t, hubspotsim.Options{})
			sim.Inject(test.fault)
			got := upsert(t, sim, "2026-09", rows...)
			if got.status != http.StatusOK || !test.check(got) {
				t.Errorf("answered %d %s", got.status, got.body)
			}
			if n := sim.Stats().Writes; n != test.writes {
				t.Errorf("%d writes, want %d", n, test.writes)
			}
			refused := upsert(t, sim, "2026-09", untraced(row("bad", nil))...) // stays as it is
			refused.expect(t, http.StatusBadRequest, map[string]any{"category": "VALIDATION_ERROR"})
			if one := ping(t, sim); one.status != http.StatusOK {
				t.Errorf("account-info, which is no batch: %d %s", one.status, one.body)
			}
		})
	}
}

func TestFaultNotJSON(t *testing.T) {
	t.Parallel()
	for _, afterWrite := range []bool{false, true} {
		s := serve(t, hubspotsim.Options{})
		s.Inject(hubspotsim.Fault{Mode: hubspotsim.NotJSON, AfterWrite: afterWrite})
		got, err := s.upsert(t.Context(), row("ada@example.org", nil))
		if err != nil {
			t.Fatal(err)
		}
		if got.status != http.StatusOK || json.Valid([]byte(got.body)) || !strings.HasPrefix(got.header.Get("Content-Type"), "application/json") {
			t.Errorf("answered %d %s", got.status, got.body)
		}
		if wrote := s.Stats().Writes == 1; wrote != afterWrite {
			t.Errorf("written: %v, want %v", wrote, afterWrite)
		}
	}
}

func TestFaultTruncate(t *testing.T) {
	t.Parallel()
	s := serve(t, hubspotsim.Options{})
	s.Inject(hubspotsim.Fault{Mode: hubspotsim.Truncate})
	got, err := s.upsert(t.Context(), row("ada@example.org", nil))
	if !errors.Is(err, io.ErrUnexpectedEOF) || got.status != http.StatusOK || got.body == "" {
		t.Errorf("status %d, %d bytes, error %v", got.status, len(got.body), err)
	}
	if s.Stats().Writes != 1 {
		t.Error("not written")
	}
}

func TestFaultHuge(t *testing.T) {
	t.Parallel()
	const size = 3 << 20
	s := serve(t, hubspotsim.Options{})
	s.Inject(hubspotsim.Fault{Mode: hubspotsim.Huge, Size: size})
	got, err := s.upsert(t.Context(), row("ada@example.org", nil))
	if err != nil || len(got.body) < size || !json.Valid([]byte(got.body)) {
		t.Errorf("%d bytes, error %v", len(got.body), err)
	}
}

func TestFaultCut(t *testing.T) {
	t.Parallel()
	for _, afterWrite := range []bool{false, true} {
		s := serve(t, hubspotsim.Options{})
		s.Inject(hubspotsim.Fault{Mode: hubspotsim.Cut, AfterWrite: afterWrite, Path: "upsert", Times: 1})
		got, err := s.upsert(t.Context(), row("ada@example.org", nil))
		if err == nil {
			t.Fatalf("an answer came: %d", got.status)
		}
		cut := s.Received()[0]
		if cut.Status != 0 || cut.Applied != afterWrite || cut.Fault != "cut" || (len(cut.Inputs) == 1) != afterWrite {
			t.Errorf("recorded as %+v", cut)
		}
		if wrote := s.Stats().Writes == 1; wrote != afterWrite {
			t.Errorf("written: %v, want %v", wrote, afterWrite)
		}
		if _, err := s.upsert(t.Context(), row("ada@example.org", nil)); err != nil {
			t.Errorf("the next request: %v", err)
		}
	}
}

func TestFaultHangUntilTheClientGoes(t *testing.T) {
	t.Parallel()
	for _, afterWrite := range []bool{false, true} {
		s := serve(t, hubspotsim.Options{})
		s.Inject(hubspotsim.Fault{Mode: hubspotsim.Hang, AfterWrite: afterWrite})
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		s.OnArrival(func(hubspotsim.Request) {
			if !afterWrite {
				leave()
			}
		})
		if afterWrite {
			go func() {
				defer leave()
				if _, err := s.WaitWrites(ctx, 1); err != nil {
					t.Error(err)
				}
			}()
		}
		if _, err := s.upsert(ctx, row("ada@example.org", nil)); !errors.Is(err, context.Canceled) {
			t.Fatalf("want the request cancelled, got %v", err)
		}
		received, err := s.WaitRequests(t.Context(), 1)
		if err != nil || received[0].Status != 0 || received[0].Applied != afterWrite {
			t.Errorf("recorded as %+v, error %v", received, err)
		}
	}
}

func TestFaultHangUntilCleared(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*hubspotsim.Sim){
		"cleared": (*hubspotsim.Sim).ClearFaults, "reset": (*hubspotsim.Sim).Reset,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, hubspotsim.Options{})
			s.Inject(hubspotsim.Fault{Mode: hubspotsim.Hang})
			s.OnArrival(func(hubspotsim.Request) { go end(s.Sim) })
			got, err := s.upsert(t.Context(), row("ada@example.org", nil))
			if err != nil || got.status != http.StatusOK {
				t.Errorf("after the fault: %d, %v", got.status, err)
			}
		})
	}
}

func TestLatency(t *testing.T) {
	t.Parallel()
	const each = 20 * time.Millisecond
	s := serve(t, hubspotsim.Options{Latency: each})
	s.Inject(hubspotsim.Fault{Latency: each})
	if _, err := s.upsert(t.Context(), row("ada@example.org", nil)); err != nil {
		t.Fatal(err)
	}
	if r := s.Received()[0]; r.Took < 2*each || r.Status != http.StatusOK || r.Fault != "latency" {
		t.Errorf("recorded as %+v", r)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s.Inject(hubspotsim.Fault{}) // never reached: the first has no end
	s.ClearFaults()
	s.Inject(hubspotsim.Fault{Latency: time.Hour})
	s.OnArrival(func(hubspotsim.Request) { cancel() })
	if _, err := s.upsert(ctx, row("bob@example.org", nil)); !errors.Is(err, context.Canceled) {
		t.Errorf("want the request cancelled, got %v", err)
	}
	if received, err := s.WaitRequests(t.Context(), 2); err != nil || received[1].Applied {
		t.Errorf("a client that went away: %+v, %v", received, err)
	}
}

func TestFaultsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for _, f := range []hubspotsim.Fault{
		{Mode: "explode"},
		{Status: 99},
		{Status: 600},
		{Mode: hubspotsim.Redirect},
		{Mode: hubspotsim.Huge},
		{Latency: -1},
		{Skip: -1},
		{Times: -1},
		{Drop: -1},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v was taken", f)
				}
			}()
			newSim(t, hubspotsim.Options{}).Inject(f)
		}()
	}
}

// A fault may be about one contact: it meets every request that holds it, and no other.
func TestFaultOfOneContact(t *testing.T) {
	t.Parallel()
	sim := newSim(t, hubspotsim.Options{})
	sim.Inject(hubspotsim.Fault{Status: 500, Holds: "bad@example.org"})
	sim.Inject(hubspotsim.Fault{Mode: hubspotsim.RowError, Holds: "odd@example.org", Category: "RATE_LIMITS"})
	for range 2 {
		if got := upsert(t, sim, "2026-09", row("ada@example.org", nil), row("bad@example.org", nil)); got.status != http.StatusInternalServerError {
			t.Errorf("answered %d", got.status)
		}
		if got := upsert(t, sim, "2026-09", row("ada@example.org", nil)); got.status != http.StatusOK {
			t.Errorf("answered %d", got.status)
		}
		got := upsert(t, sim, "2026-09", row("ada@example.org", nil), row("odd@example.org", nil))
		if got.status != http.StatusMultiStatus || !strings.Contains(got.body, `"category":"RATE_LIMITS"`) || strings.Count(got.body, `"id":`) != 1 {
			t.Errorf("answered %d %s", got.status, got.body)
		}
	}
	if n := sim.Stats().Writes; n != 4 {
		t.Errorf("%d writes, want 4", n)
	}
}
