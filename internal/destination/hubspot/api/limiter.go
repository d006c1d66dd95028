package api

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

// limiter lets requests through: never more than a limit in any window. Every
// request to HubSpot waits for it, probes and repairs included.
//
// With a limit of L at most L requests leave in any 10.15 s, so that HubSpot sees no
// more than L in 10 s even if the way there squeezes them by 150 ms: 98.5 % of L in
// the long run. That is counted request by request. A bucket in front of it spreads
// them, L in 10.15 s, because a limit that is used up at once would keep the next
// contact waiting for seconds; it holds 1 + L/50 tokens, so that a few single
// contacts need not wait at all.
type limiter struct {
	share, slots int
	bucket       *rate.Limiter
	log          *slog.Logger

	mu    sync.Mutex
	limit int         // in force now
	sent  []time.Time // of the last span, oldest first
	held  time.Time   // nothing passes before
}

func newLimiter(share, slots int, log *slog.Logger) *limiter {
	burst, perSecond := bucketOf(share)
	return &limiter{share: share, slots: slots, bucket: rate.NewLimiter(perSecond, burst), log: log, limit: share}
}

func bucketOf(limit int) (burst int, perSecond rate.Limit) {
	return 1 + limit/50, rate.Limit(float64(limit) / span.Seconds())
}

// wait blocks until a request may leave, or ctx ends. It returns how long it
// waited and how many requests have left in the last span, this one included: those
// that HubSpot counts, and a few that it does not any more.
func (l *limiter) wait(ctx context.Context) (waited time.Duration, own int, err error) {
	came := time.Now()
	for {
		if err := sleep(ctx, time.Until(l.heldUntil())); err != nil {
			return time.Since(came), 0, err
		}
		if err := l.bucket.Wait(ctx); err != nil {
			return time.Since(came), 0, fmt.Errorf("wait for the rate limit: %w", err)
		}
		for {
			own, room, held := l.take()
			if own > 0 {
				return time.Since(came), own, nil
			}
			if held {
				break // all begin again, one after the other
			}
			if err := sleep(ctx, room); err != nil {
				return time.Since(came), 0, err
			}
		}
	}
}

// take notes a request and returns the number of those in the last span. If that
// is full, it returns zero and how long until there is room; held reports that all
// are held meanwhile.
func (l *limiter) take() (own int, room time.Duration, held bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if now.Before(l.held) {
		return 0, 0, true
	}
	old := 0
	for old < len(l.sent) && now.Sub(l.sent[old]) >= span {
		old++
	}
	l.sent = l.sent[old:]
	if n := len(l.sent); n >= l.limit {
		return 0, l.sent[n-l.limit].Add(span).Sub(now), false
	}
	l.sent = append(l.sent, now)
	return len(l.sent), 0, false
}

func (l *limiter) heldUntil() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held
}

// hold lets nothing through for a while.
func (l *limiter) hold(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := time.Now().Add(d); until.After(l.held) {
		l.held = until
	}
}

// learn corrects the limit by the headers of an answer: HubSpot's limit may be lower
// than ours, and others may use the same key. own is what wait returned
// for the request.
func (l *limiter) learn(ctx context.Context, h http.Header, own int) {
	most, ok := headerNumber(h, "X-Hubspot-Ratelimit-Max")
	if !ok || most <= 0 {
		return
	}
	counted := window
	if ms, ok := headerNumber(h, "X-Hubspot-Ratelimit-Interval-Milliseconds"); ok && ms > 0 {
		counted = time.Duration(ms) * time.Millisecond
		most = int(int64(min(most, plenty)) * int64(window) / int64(counted))
	}
	limit := min(l.share, most/l.slots)
	if remaining, ok := headerNumber(h, "X-Hubspot-Ratelimit-Remaining"); ok && counted == window {
		// Requests under way make the two counts differ a little.
		tolerance := max(most/20, Concurrency)
		if others := most - remaining - own; others > tolerance {
			// They go on while this answer is on its way, and who is refused waits for 10 s.
			// Other slots are others, too: while all use their shares nothing remains that
			// would show a client beside them, so that each has to leave a margin.
			limit = min(limit, most-others-tolerance)
		}
	}
	l.adopt(ctx, max(1, limit))
}

func (l *limiter) adopt(ctx context.Context, limit int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if limit == l.limit {
		return
	}
	l.log.DebugContext(ctx, "rate limit adjusted to the response headers", "per_10s", limit, "before", l.limit)
	l.limit = limit
	burst, perSecond := bucketOf(limit)
	l.bucket.SetLimit(perSecond)
	l.bucket.SetBurst(burst)
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
