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
	worked time.Time     // when the last batch was claimed
	full   bool          // there was more than went into it, as far as one can tell
	poll   time.Duration // the next wait while the doorbell cannot be had
	looked bool          // the last look saw rows, and a claim after it got none
	locked time.Duration // the next wait for rows that a stranger holds locked
	tidied time.Time
}

// look is why the loop looks at the queue next.
type look struct {
	reason Reason
	woken  time.Time // of a wake-up
}

// takeLook takes the reason for the look that follows; the one after that has
// none but that the loop is awake.
func (r *run) takeLook() look {
	why := r.look
	r.look = look{reason: ReasonAwake}
	return why
}

// rest takes one step towards sleep after a claim that got nothing. It answers
// false when the queue is empty and only one round was asked for.
func (r *run) rest(ctx, stop context.Context) (again bool, err error) {
	if r.Once && len(r.flights) > 0 {
		r.await(ctx, stop.Done())
		return true, nil
	}
	if time.Since(r.worked) < linger {
		r.sleep(ctx, stop.Done(), firstPoll, ReasonAwake)
		return true, nil
	}
	idle, err := r.Queue.ArmDoorbell(ctx)
	if err != nil {
		return false, err
	}
	r.endured(ctx)
	if idle.Dead && time.Since(r.tidied) >= tidyPause {
		return true, r.tidy(ctx)
	}
	r.noteHold(ctx, idle.Held)
	switch {
	case idle.Held != nil && r.Once:
		return false, &HeldError{Hold: *idle.Held}
	case idle.Due && !r.looked:
		r.looked = true // committed since the claim: claim again at once
		return true, nil
	case idle.Due && r.Once:
		r.Log.WarnContext(ctx, "Contacts that are due are locked by somebody else; they are left to the next run")
		return false, nil
	case idle.Due:
		r.locked = min(max(lockedPoll, r.locked*3/2), maxLockedPoll)
		r.sleep(ctx, stop.Done(), r.locked, ReasonPoll)
		return true, nil
	case r.Once:
		return false, nil
	case !idle.Armed && idle.Held == nil:
		r.sleep(ctx, stop.Done(), r.poll, ReasonPoll)
		r.poll = min(r.poll*2, r.slowestPoll())
		return true, nil
	}
	wait, why := time.Until(r.tickAt), ReasonTick
	if idle.Next >= 0 && idle.Next <= wait {
		wait, why = idle.Next, ReasonDue
	}
	if idle.Dead && tidyPause < wait {
		wait, why = tidyPause, ReasonPoll
	}
	if !r.Listener.Proven() && deafPoll < wait {
		wait, why = deafPoll, ReasonPoll
	}
	r.sleep(ctx, stop.Done(), wait, why)
	r.pace = pace{poll: firstPoll, tidied: r.tidied}
	return true, nil
}

func (r *run) slowestPoll() time.Duration {
	if r.Slots > 1 {
		return besidePoll
	}
	return maxPoll
}

// sleep waits for a wake-up or an answer, at most d, and not beyond what is
// pending. When nothing came before, the next look is for the reason given.
func (r *run) sleep(ctx context.Context, stop <-chan struct{}, d time.Duration, why Reason) {
	if pending := r.untilPending(); pending < d {
		d, why = pending, ReasonPoll
	}
	if d <= 0 || len(r.unsettled) > 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-r.Wake:
		r.look = look{reason: ReasonWake, woken: time.Now()}
	case f := <-r.answered:
		r.unsettled = append(r.unsettled, f)
	case <-timer.C:
		r.look = look{reason: why}
		select { // a wake-up of the same moment is the better reason
		case <-r.Wake:
			r.look = look{reason: ReasonWake, woken: time.Now()}
		default:
		}
	case <-stop:
	case <-ctx.Done():
	}
}

// pass lets a time pass, unless something ends it; wake-ups wait.
func pass(ctx context.Context, d time.Duration, stop <-chan struct{}) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-stop:
	case <-ctx.Done():
	}
}

// closed says whether a channel that only ever is closed has been; nil never is.
func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
