package hubspot

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// window is the time over which HubSpot counts requests.
	window = 10 * time.Second
	// plenty is a limit that is none, small enough to be multiplied with a window.
	plenty = 1_000_000
	// jitter is how much closer together requests may arrive than they left. An
	// assumption: nobody measured it against HubSpot.
	jitter = 150 * time.Millisecond
	// span is over which requests are counted here.
	span = window + jitter
)

// gate lets requests through: never more than a limit in any window. Every
// request to HubSpot passes it, probes and repairs included.
//
// With a limit of L at most L requests leave in any 10.15 s, so that HubSpot sees no
// more than L in 10 s even if the way there squeezes them by 150 ms: 98.5 % of L in
// the long run. That is counted request by request. A bucket in front of it spreads
// them, L in 10.15 s, because a limit that is used up at once would keep the next
// contact waiting for seconds; it holds 1 + L/50 tokens, so that a few single
// contacts need not wait at all.
type gate struct {
	share, slots int
	bucket       *rate.Limiter
	log          *slog.Logger

	mu    sync.Mutex
	limit int         // in force now
	sent  []time.Time // of the last span, oldest first
	held  time.Time   // nothing passes before
}

func newGate(share, slots int, log *slog.Logger) *gate {
	burst, perSecond := bucketOf(share)
	return &gate{share: share, slots: slots, bucket: rate.NewLimiter(perSecond, burst), log: log, limit: share}
}

func bucketOf(limit int) (burst int, perSecond rate.Limit) {
	return 1 + limit/50, rate.Limit(float64(limit) / span.Seconds())
}

// pass waits until a request may leave, or ctx ends. It returns how long it
// waited and how many requests have left in the last span, this one included: those
// that HubSpot counts, and a few that it does not any more.
func (g *gate) pass(ctx context.Context) (waited time.Duration, own int, err error) {
	came := time.Now()
	for {
		if err := sleep(ctx, time.Until(g.heldUntil())); err != nil {
			return time.Since(came), 0, err
		}
		if err := g.bucket.Wait(ctx); err != nil {
			return time.Since(came), 0, fmt.Errorf("wait for the rate limit: %w", err)
		}
		for {
			own, wait, held := g.leave()
			if own > 0 {
				return time.Since(came), own, nil
			}
			if held {
				break // all begin again, one after the other
			}
			if err := sleep(ctx, wait); err != nil {
				return time.Since(came), 0, err
			}
		}
	}
}

// leave notes a request and returns the number of those in the last span. If that
// is full, it returns zero and how long to wait, and if all are held meanwhile, that.
func (g *gate) leave() (own int, wait time.Duration, held bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if now.Before(g.held) {
		return 0, 0, true
	}
	old := 0
	for old < len(g.sent) && now.Sub(g.sent[old]) >= span {
		old++
	}
	g.sent = g.sent[old:]
	if n := len(g.sent); n >= g.limit {
		return 0, g.sent[n-g.limit].Add(span).Sub(now), false
	}
	g.sent = append(g.sent, now)
	return len(g.sent), 0, false
}

func (g *gate) heldUntil() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.held
}

// hold lets nothing through for a while.
func (g *gate) hold(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if until := time.Now().Add(d); until.After(g.held) {
		g.held = until
	}
}

// learn corrects the limit by what HubSpot says with an answer: its limit may be
// lower than ours, and others may use the same key. own is what pass returned
// for the request.
func (g *gate) learn(ctx context.Context, h http.Header, own int) {
	most, ok := headerNumber(h, "X-Hubspot-Ratelimit-Max")
	if !ok || most <= 0 {
		return
	}
	counted := window
	if ms, ok := headerNumber(h, "X-Hubspot-Ratelimit-Interval-Milliseconds"); ok && ms > 0 {
		counted = time.Duration(ms) * time.Millisecond
		most = int(int64(min(most, plenty)) * int64(window) / int64(counted))
	}
	limit := min(g.share, most/g.slots)
	if remaining, ok := headerNumber(h, "X-Hubspot-Ratelimit-Remaining"); ok && counted == window {
		// Requests under way make the two counts differ a little.
		tolerance := max(most/20, sideBySide)
		if others := most - remaining - own; others > tolerance {
			// They go on while this answer is on its way, and who is refused waits for 10 s.
			// Other slots are others, too: while all use their shares nothing remains that
			// would show a client beside them, so that each has to leave a margin.
			limit = min(limit, most-others-tolerance)
		}
	}
	g.adopt(ctx, max(1, limit))
}

func (g *gate) adopt(ctx context.Context, limit int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if limit == g.limit {
		return
	}
	g.log.DebugContext(ctx, "HubSpot's answers change the rate limit", "per_10s", limit, "before", g.limit)
	g.limit = limit
	burst, perSecond := bucketOf(limit)
	g.bucket.SetLimit(perSecond)
	g.bucket.SetBurst(burst)
}

func headerNumber(h http.Header, name string) (int, bool) {
	n, err := strconv.Atoi(h.Get(name))
	return n, err == nil && n >= 0 && n < 1_000_000_000
}

// sleep waits for d, or returns the error of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
