package leader

import (
	"sync"
	"time"

	"github.com/scrapersky/contactsync/internal/database"
)

// lease knows how long ago the server last answered.
//
// An answer counts from the moment its statement was sent. The server's own
// clock for the session starts when it has answered, which is later, so the
// client's end of the lease comes first however long the answer took.
type lease struct {
	timing timing

	mu        sync.Mutex
	last      time.Time // when the last statement that was answered was sent
	busyUntil time.Time // the deadline of the statement under way; zero when none is
}

func newLease(t timing, answered time.Time) *lease {
	return &lease{timing: t, last: answered}
}

// begin returns the deadline of a statement that is sent now.
func (l *lease) begin(now time.Time, limit time.Duration) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busyUntil = now.Add(limit)
	if latest := l.last.Add(l.timing.lease - l.timing.margin); latest.Before(l.busyUntil) {
		l.busyUntil = latest
	}
	return l.busyUntil
}

// end takes note of how the statement sent at that time went.
func (l *lease) end(sent time.Time, answered bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busyUntil = time.Time{}
	if answered {
		l.last = sent
	}
}

// age is the time since the last answer.
func (l *lease) age(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return database.Elapsed(l.last, now)
}

func (l *lease) fresh(now time.Time) bool { return l.age(now) < l.timing.giveUp }

// left is how long from now the lease lasts if nothing more is heard.
func (l *lease) left(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	left := l.timing.giveUp - database.Elapsed(l.last, now)
	if !l.busyUntil.IsZero() {
		// The statement notices its deadline by itself; this is for one that does not.
		left = max(left, l.busyUntil.Sub(now)+l.timing.margin/2)
	}
	return left
}
