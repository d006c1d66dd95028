package hubspot

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// Limits is what HubSpot tells about how many requests are left. What it does
// not tell is negative, and its time is zero.
type Limits struct {
	Per10s, Left10s int // of the key, in a rolling window
	PerDay, LeftDay int // of the account
	ResetsAt        time.Time

	Said10s, SaidDay time.Time // when the newest answer told, by this process's clock
}

// Gauge is a transport that remembers what the newest answer tells about the
// limits.
type Gauge struct {
	base http.RoundTripper

	mu     sync.Mutex
	limits Limits
}

// NewGauge wraps a transport.
func NewGauge(base http.RoundTripper) *Gauge {
	return &Gauge{base: base, limits: Limits{Per10s: -1, Left10s: -1, PerDay: -1, LeftDay: -1}}
}

// RoundTrip implements [http.RoundTripper].
func (g *Gauge) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := g.base.RoundTrip(r)
	if err != nil {
		return res, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, told := range []struct {
		header string
		to     *int
		at     *time.Time
	}{
		{"X-Hubspot-Ratelimit-Max", &g.limits.Per10s, &g.limits.Said10s},
		{"X-Hubspot-Ratelimit-Remaining", &g.limits.Left10s, &g.limits.Said10s},
		{"X-Hubspot-Ratelimit-Daily", &g.limits.PerDay, &g.limits.SaidDay},
		{"X-Hubspot-Ratelimit-Daily-Remaining", &g.limits.LeftDay, &g.limits.SaidDay},
	} {
		if n, ok := headerNumber(res.Header, told.header); ok {
			*told.to, *told.at = n, time.Now()
		}
	}
	return res, nil
}

// Limits is what is known so far.
func (g *Gauge) Limits() Limits {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.limits
}

// DailyUsage asks HubSpot how much of the day's limit is used, and adds that to what
// is known. The error is an *APIError.
func (c *Client) DailyUsage(ctx context.Context, known Limits) (Limits, error) {
	var answer struct {
		Results list[struct {
			Limit    loose[int] `json:"usageLimit"`
			Used     loose[int] `json:"currentUsage"`
			ResetsAt text       `json:"resetsAt"`
		}] `json:"results"`
	}
	call := request{method: http.MethodGet, url: c.urls.account("/api-usage/daily/private-apps")}
	if e := c.ask(ctx, call, &answer); e != nil {
		return known, e
	}
	for _, usage := range answer.Results {
		if usage.Limit.V > 0 {
			known.PerDay, known.LeftDay = usage.Limit.V, max(0, usage.Limit.V-usage.Used.V)
		}
		if at, err := time.Parse(time.RFC3339, string(usage.ResetsAt)); err == nil {
			known.ResetsAt = at
		}
	}
	return known, nil
}
