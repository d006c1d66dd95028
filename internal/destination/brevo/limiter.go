package brevo

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	// startRate is what every plan may send in a second.
	startRate = 10
	// highestRate is more than the largest plan may: what an answer says beyond it is
	// taken for a mistake.
	highestRate = 1000
	// span is over which requests are counted: Brevo's second, and how much closer
	// together requests may arrive than they left.
	span = time.Second + 40*time.Millisecond
)

// limiter lets requests through: never more than the limit in any second. It starts at
// the smallest plan's limit and follows what the answers say.
type limiter struct {
	slots int

	mu    sync.Mutex
	limit int
	sent  []time.Time // of the last span, oldest first
	held  time.Time   // nothing passes before
}

func newLimiter(slots int) *limiter {
	return &limiter{slots: slots, limit: max(1, startRate/slots)}
}

// wait blocks until a request may leave, or ctx ends, and returns how long that was.
func (l *limiter) wait(ctx context.Context) (waited time.Duration, err error) {
	came := time.Now()
	for {
		if err := ctx.Err(); err != nil {
			return time.Since(came), context.Cause(ctx)
		}
		room := l.take()
		if room <= 0 {
			return time.Since(came), nil
		}
		if err := sleep(ctx, room); err != nil {
			return time.Since(came), err
		}
	}
}

// take notes a request. If there is no room, it returns how long until there is.
func (l *limiter) take() (room time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if now.Before(l.held) {
		return l.held.Sub(now)
	}
	old := 0
	for old < len(l.sent) && now.Sub(l.sent[old]) >= span {
		old++
	}
	l.sent = l.sent[old:]
	if n := len(l.sent); n >= l.limit {
		return l.sent[n-l.limit].Add(span).Sub(now)
	}
	l.sent = append(l.sent, now)
	return 0
}

// hold lets nothing through for a while.
func (l *limiter) hold(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := time.Now().Add(d); until.After(l.held) {
		l.held = until
	}
}

// learn takes up the limit of a second that an answer names. Where the bucket is a
// longer one, as that of an hour, only its end counts.
func (l *limiter) learn(h http.Header) {
	most, ok := number(h, "X-Sib-Ratelimit-Limit")
	reset, known := number(h, "X-Sib-Ratelimit-Reset")
	switch {
	case !ok || !known:
		return
	case reset > 1:
		if left, ok := number(h, "X-Sib-Ratelimit-Remaining"); ok && left == 0 {
			l.hold(min(time.Duration(reset)*time.Second, longestWait))
		}
		return
	case most < 1 || most > highestRate:
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limit = max(1, most/l.slots)
}

// number reads a header that is a number.
func number(h http.Header, name string) (int, bool) {
	n, err := strconv.Atoi(h.Get(name))
	return n, err == nil && n >= 0 && n < 1_000_000_000
}

// sleep waits for d, or returns why ctx ended.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
