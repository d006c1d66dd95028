package api

import (
	"log/slog"
	"net/http"
	"testing"
	"time"
)

// FuzzHeaders feeds foreign texts as the headers that slow us down. Whatever
// they say, the limit stays between one request and our share, and a limit that
// is above our share does not lower it.
func FuzzHeaders(f *testing.F) {
	f.Add("3", "100", "60", "10000", "1000")
	f.Add("Wed, 21 Oct 2099 07:28:00 GMT", "190", "-1", "100", "0")
	f.Add("1e9", "999999999", "", "1", "")
	f.Add("-9223372036854775808", "9223372036854775807", "9223372036854775808", "0", " 7")
	f.Fuzz(func(t *testing.T, after, most, remaining, ms, left string) {
		h := http.Header{}
		for name, value := range map[string]string{
			"Retry-After": after, "X-Hubspot-Ratelimit-Max": most, "X-Hubspot-Ratelimit-Remaining": remaining,
			"X-Hubspot-Ratelimit-Interval-Milliseconds": ms, "X-Hubspot-Ratelimit-Daily-Remaining": left,
		} {
			if value != "" {
				h.Set(name, value)
			}
		}
		now := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
		if wait, ok := retryAfter(h, now); ok && wait <= 0 {
			t.Errorf("Retry-After %q is %v", after, wait)
		}
		if d := interval(h); d < 100*time.Millisecond || d > longestWait {
			t.Errorf("interval %q is %v", ms, d)
		}
		_ = daily(h, new(Problem))
		const share, slots = 50, 2
		l := newLimiter(share, slots, slog.New(slog.DiscardHandler))
		l.learn(t.Context(), h, 1)
		if l.limit < 1 || l.limit > share || l.bucket.Limit() <= 0 || l.bucket.Burst() < 1 {
			t.Errorf("limit %d, %v tokens a second, burst %d", l.limit, l.bucket.Limit(), l.bucket.Burst())
		}
		span, spanGiven := headerNumber(h, "X-Hubspot-Ratelimit-Interval-Milliseconds")
		if n, ok := headerNumber(h, "X-Hubspot-Ratelimit-Max"); ok && n >= share*slots && (!spanGiven || span <= 10_000) && remaining == "" && l.limit != share {
			t.Errorf("a limit of %s lowers ours to %d", most, l.limit)
		}
	})
}
