package drain

import (
	"context"
	"time"
)

// How the loop falls asleep. A busy queue is polled for a moment after the last
// row, because the next one is likely to follow and a writer then needs not
// ring. Only then is the doorbell tried.
const (
	linger    = 20 * time.Millisecond
	firstPoll = 5 * time.Millisecond

	// maxPoll bounds the poll while an open transaction of a writer holds the
	// doorbell; it may stay open for hours.
	maxPoll = 250 * time.Millisecond

	// besidePoll bounds it where another leader may be the one who sleeps on
	// the doorbell, and wakes when it rings.
	besidePoll = time.Second

	// lockedPoll and maxLockedPoll bound the poll for rows that a stranger holds
	// locked: nobody rings when the lock is given up.
	lockedPoll    = 100 * time.Millisecond
	maxLockedPoll = 250 * time.Millisecond

	// deafPoll is how often to look while the listener is not proven to hear.
	deafPoll = time.Second

	// tidyPause keeps dead claims that cannot be freed yet (their rows are
	// locked, their slot is alive after all) from making the loop hot.
	tidyPause = time.Second

	// busyTidy is how often to look for dead claims while there is always work.
	busyTidy = 15 * time.Second
)

// pace is how fast the loop falls asleep.
type pace struct {
	worked time.Time     // when the last cycle ended
	poll   time.Duration // the next wait while the doorbell cannot be had
	looked bool          // the last look saw rows, and a claim after it got none
	locked time.Duration // the next wait for rows that a stranger holds locked
	tidied time.Time
}

// rest takes one step towards sleep after a claim that got nothing. It answers
// false when the queue is empty and only one round was asked for.
func (r *run) rest(ctx, stop context.Context) (again bool, err error) {
	if time.Since(r.worked) < linger {
		r.sleep(ctx, stop, firstPoll)
		return true, nil
	}
	idle, err := r.Queue.Arm(ctx)
	if err != nil {
		return false, err
	}
	if idle.Dead && time.Since(r.tidied) >= tidyPause {
		return true, r.tidy(ctx)
	}
	switch {
	case idle.Due && !r.looked:
		r.looked = true // committed since the claim: claim again at once
		return true, nil
	case idle.Due && r.Once:
		r.Log.WarnContext(ctx, "Contacts that are due are locked by somebody else; they are left to the next run")
		return false, nil
	case idle.Due:
		r.locked = min(max(lockedPoll, r.locked*3/2), maxLockedPoll)
		r.sleep(ctx, stop, r.locked)
		return true, nil
	case r.Once:
		return false, nil
	case !idle.Armed:
		r.sleep(ctx, stop, r.poll)
		r.poll = min(r.poll*2, r.slowestPoll())
		return true, nil
	}
	wait := time.Until(r.tickAt)
	if idle.Next >= 0 {
		wait = min(wait, idle.Next)
	}
	if idle.Dead {
		wait = min(wait, tidyPause)
	}
	if !r.Listener.Proven() {
		wait = min(wait, deafPoll)
	}
	r.sleep(ctx, stop, wait)
	r.pace = pace{poll: firstPoll, tidied: r.tidied}
	return true, nil
}

func (r *run) slowestPoll() time.Duration {
	if r.Slots > 1 {
		return besidePoll
	}
	return maxPoll
}

// sleep waits for a wake-up, at most d, and not beyond what is pending.
func (r *run) sleep(ctx, stop context.Context, d time.Duration) {
	d = min(d, r.untilPending())
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-r.Wake:
	case <-timer.C:
	case <-stop.Done():
	case <-ctx.Done():
	}
}
