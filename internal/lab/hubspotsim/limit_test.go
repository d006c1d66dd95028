package hubspotsim_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

func ping(t *testing.T, sim http.Handler) reply {
	t.Helper()
	return call(t, sim, http.MethodGet, "/account-info/2026-09/details", "")
}

func TestTenSecondLimitIsASlidingWindow(t *testing.T) {
	t.Parallel()
	for _, refusedCounts := range []bool{false, true} {
		now := &clock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
		sim := newSim(t, hubspotsim.Options{
			RatePer10s: 3, Now: now.Now, Behaviour: hubspotsim.Behaviour{RefusedCounts: refusedCounts},
		})
		for _, remaining := range []string{"2", "1", "0"} {
			got := ping(t, sim)
			got.expect(t, http.StatusOK, nil)
			for name, value := range map[string]string{
				"Max": "3", "Remaining": remaining, "Interval-Milliseconds": "10000", "Daily": "",
			} {
				if h := got.header.Get("X-HubSpot-RateLimit-" + name); h != value {
					t.Errorf("-%s is %q, want %q", name, h, value)
				}
			}
			now.advance(time.Second)
		}
		refused := ping(t, sim) // at 3 s
		refused.expect(t, http.StatusTooManyRequests, map[string]any{
			"policyName": "TEN_SECONDLY_ROLLING", "errorType": "RATE_LIMIT", "status": "error",
		})
		if refused.header.Get("Retry-After") != "" || refused.header.Get("X-HubSpot-RateLimit-Remaining") != "0" {
			t.Errorf("headers of a 429: %v", refused.header)
		}
		now.advance(7*time.Second - time.Nanosecond)
		ping(t, sim).expect(t, http.StatusTooManyRequests, nil)
		now.advance(time.Nanosecond) // the first request is 10 s old
		want := http.StatusOK
		if refusedCounts {
			want = http.StatusTooManyRequests // the two refused ones still count
		}
		if got := ping(t, sim); got.status != want {
			t.Errorf("refusedCounts %v: status %d, want %d", refusedCounts, got.status, want)
		}
	}
}

func TestRefusedRequestsWriteNothing(t *testing.T) {
	t.Parallel()
	now := &clock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	sim := newSim(t, hubspotsim.Options{RatePer10s: 1, Now: now.Now})
	upsert(t, sim, "2026-09", row("ada@example.org", nil)).expect(t, http.StatusOK, nil)
	upsert(t, sim, "2026-09", row("bob@example.org", nil)).expect(t, http.StatusTooManyRequests, nil)
	if _, ok := sim.Contact("bob@example.org"); ok {
		t.Error("a refused request wrote")
	}
	last := sim.Received()[1]
	if last.Status != http.StatusTooManyRequests || last.Applied || last.Inputs[0].ID != "bob@example.org" {
		t.Errorf("recorded as %+v", last)
	}
}

func TestDailyLimitEndsAtThePortalsMidnight(t *testing.T) {
	t.Parallel()
	// 22:30 in New York.
	now := &clock{now: time.Date(2026, 11, 24, 3, 30, 0, 0, time.UTC)}
	sim := newSim(t, hubspotsim.Options{DailyLimit: 3, TimeZone: "America/New_York", Now: now.Now})
	got := ping(t, sim)
	got.expect(t, http.StatusOK, map[string]any{
		"timeZone": "America/New_York", "utcOffset": "-05:00", "utcOffsetMilliseconds": -18_000_000.0,
	})
	if got.header.Get("X-HubSpot-RateLimit-Daily") != "3" || got.header.Get("X-HubSpot-RateLimit-Daily-Remaining") != "2" {
		t.Errorf("headers: %v", got.header)
	}
	for _, version := range versions[:2] {
		call(t, sim, http.MethodGet, "/account-info/"+version+"/api-usage/daily/private-apps", "").
			expect(t, http.StatusOK, map[string]any{
				"results.0.usageLimit": 3.0, "results.0.resetsAt": "2026-11-24T05:00:00.000Z", "results.0.fetchStatus": "SUCCESS",
			})
	}
	refused := ping(t, sim)
	refused.expect(t, http.StatusTooManyRequests, map[string]any{"policyName": "DAILY", "errorType": "RATE_LIMIT"})
	if refused.header.Get("Retry-After") != "" {
		t.Error("a 429 has no Retry-After")
	}
	now.advance(90*time.Minute - time.Nanosecond)
	ping(t, sim).expect(t, http.StatusTooManyRequests, nil)
	now.advance(time.Nanosecond)
	ping(t, sim).expect(t, http.StatusOK, nil)
}

func TestWithoutLimitsThereAreNoHeaders(t *testing.T) {
	t.Parallel()
	sim := newSim(t, hubspotsim.Options{})
	for range 300 {
		if got := ping(t, sim); got.status != http.StatusOK || got.header.Get("X-HubSpot-RateLimit-Max") != "" {
			t.Fatalf("status %d, headers %v", got.status, got.header)
		}
	}
}

func TestAnUnauthorizedRequestCountsAgainstNoLimit(t *testing.T) {
	t.Parallel()
	sim := newSim(t, hubspotsim.Options{RatePer10s: 1})
	for range 3 {
		call(t, sim, http.MethodGet, "/account-info/v3/details", "", func(r *http.Request) { r.Header.Del("Authorization") }).
			expect(t, http.StatusUnauthorized, nil)
	}
	ping(t, sim).expect(t, http.StatusOK, nil)
}
