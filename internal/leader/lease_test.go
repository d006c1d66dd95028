package leader

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestTimingIsConsistent(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]timing{"default": defaultTiming(), "quick": quick()} {
		if at.beatEvery+at.beatDeadline > at.giveUp {
			t.Errorf("%s: a heartbeat can be answered after the lease was given up", name)
		}
		if at.giveUp >= at.lease-at.margin {
			t.Errorf("%s: the server may end the lease first", name)
		}
		if at.statement-at.margin/2 <= 0 || at.statement >= at.lease-at.margin {
			t.Errorf("%s: a statement outlasts the lease", name)
		}
		if at.wait >= time.Second || at.wait >= at.waitDeadline {
			t.Errorf("%s: a follower waits %s", name, at.wait)
		}
	}
}

func TestLease(t *testing.T) {
	t.Parallel()
	start := time.Now()
	at := func(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }
	l := newLease(defaultTiming(), start)

	if !l.fresh(at(7.9)) || l.fresh(at(8)) {
		t.Error("it must be fresh for 8 s after the last answer, and no longer")
	}
	if got := l.left(at(3)); got != 5*time.Second {
		t.Errorf("left %s after 3 s", got)
	}
	if got := l.begin(at(5), 7*time.Second); got != at(12) {
		t.Errorf("a statement sent after 5 s has until %s", got.Sub(start))
	}
	if got := l.left(at(9)); got <= 3*time.Second {
		t.Errorf("left %s in the middle of a statement that has 3 s", got)
	}
	if l.fresh(at(9)) {
		t.Error("a statement under way must not stretch what a request may rely on")
	}
	l.end(at(5), false)
	if got := l.left(at(9)); got > 0 {
		t.Errorf("left %s although the statement failed", got)
	}
	if got := l.begin(at(7.5), 7*time.Second); got != at(13) {
		t.Errorf("a statement sent late has until %s, want 2 s before the server's end", got.Sub(start))
	}
	l.end(at(7.5), true)
	if !l.fresh(at(15)) || l.fresh(at(15.5)) {
		t.Error("an answer counts from when its statement was sent")
	}
}

// A machine that was suspended: the monotonic clock stood still.
func TestLeaseCountsSuspendedTime(t *testing.T) {
	t.Parallel()
	then := time.Now()
	woke := then.Round(0).Add(time.Hour) // no monotonic reading: the wall's hour is all that is known
	if got := newLease(defaultTiming(), then).age(woke); got != time.Hour {
		t.Errorf("elapsed %s", got)
	}
}

// A Do that ignores its context is given up as well.
func TestWatchEndsALeaseThatNobodyEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSession(nil, 0, Config{timing: defaultTiming()}, time.Now())
		ctx, cancel := context.WithCancelCause(t.Context())
		s.cancel = cancel
		began := time.Now()
		s.lease.begin(began.Add(5*time.Second), 7*time.Second)
		s.watch(nil)
		if got := time.Since(began); got <= 12*time.Second || got >= 15*time.Second {
			t.Errorf("given up after %s, want between the statement's deadline and the server's end", got)
		}
		if !errors.Is(context.Cause(ctx), ErrLeaseLost) {
			t.Errorf("cause %v", context.Cause(ctx))
		}
	})
}

func TestWatchEndsWithLead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSession(nil, 0, Config{timing: defaultTiming()}, time.Now())
		returned := make(chan struct{})
		go func() {
			<-time.After(time.Second)
			close(returned)
		}()
		began := time.Now()
		s.watch(returned)
		if time.Since(began) != time.Second {
			t.Errorf("watched for %s", time.Since(began))
		}
	})
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	b := backoff{min: 200 * time.Millisecond, max: 5 * time.Second}
	for _, limit := range []time.Duration{200, 400, 800, 1600, 3200, 5000, 5000} {
		limit *= time.Millisecond
		if got := b.delay(); got < limit/2 || got > limit {
			t.Errorf("delay %s, want %s to %s", got, limit/2, limit)
		}
	}
	b.reset()
	if got := b.delay(); got > 200*time.Millisecond {
		t.Errorf("delay %s after reset", got)
	}
}

func TestBackoffEndsWithStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := backoff{min: time.Hour, max: time.Hour}
		stop, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		b.pause(stop)
		if time.Since(began) != time.Second {
			t.Errorf("paused for %s", time.Since(began))
		}
	})
}
