package drain

import (
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
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

	// maintainPause keeps dead claims that cannot be freed yet (their rows are
	// locked, their slot is alive after all) from making the loop hot.
	maintainPause = time.Second
)

// idle is how the loop falls asleep: what the queue showed last, and why to look at
// it again. It reads no clock.
type idle struct {
	look  Reason    // why to look at the queue now; empty while there is no reason
	woken time.Time // when the wake-up came; with ReasonWake only

	claimedAt time.Time // the last claim that got contacts
	full      bool      // it got as many as it might: there may be more
	emptyAt   time.Time // the last claim that got none

	found   *contact.QueueState // what the last look before sleep found; nil after a claim
	foundAt time.Time
	again   bool          // a look saw rows, and a claim after it got none
	poll    time.Duration // the last wait while the doorbell could not be had
	locked  time.Duration // the last wait for rows that a stranger holds locked
}

// suggest gives a reason to look where there is none yet.
func (i *idle) suggest(why Reason) {
	if i.look == "" {
		i.look = why
	}
}

// because gives a reason to look that is better than any there is.
func (i *idle) because(why Reason) { i.look, i.woken = why, time.Time{} }

// wake notes a wake-up.
func (i *idle) wake(now time.Time) { i.look, i.woken = ReasonWake, now }

// claimed notes a claim that got contacts. The next look needs no other reason.
func (i *idle) claimed(now time.Time, full bool) {
	*i = idle{look: ReasonAwake, claimedAt: now, full: full}
}

// nothing notes a claim that got none.
func (i *idle) nothing(now time.Time) {
	i.again = i.again || i.found != nil && i.found.Due
	i.because("")
	i.emptyAt, i.found = now, nil
}

// armed notes what the last look before sleep found.
func (i *idle) armed(now time.Time, found contact.QueueState, slots int) {
	i.found, i.foundAt = &found, now
	slowest := maxPoll
	if slots > 1 {
		slowest = besidePoll
	}
	switch {
	case found.Due && i.again:
		i.locked = min(max(lockedPoll, i.locked*3/2), maxLockedPoll)
	case found.Due:
	case !found.Armed && found.Paused == nil:
		i.poll = min(max(firstPoll, i.poll*2), slowest)
	default:
		i.again, i.poll, i.locked = false, 0, 0
	}
}

// lookOrSleep is what there is to do while the account may be used and there is
// room for another batch.
func (s state) lookOrSleep(now time.Time) action {
	switch i := s.idle; {
	case i.look != "":
		return s.claim(i.look)
	case s.once && s.inflight > 0:
		return s.wait(time.Time{})
	case i.found != nil:
		return s.sleep(now, *i.found)
	case i.emptyAt.Sub(i.claimedAt) < linger:
		return s.lookAt(now, i.emptyAt.Add(firstPoll), ReasonAwake)
	}
	return action{do: doArm}
}

// sleep is what there is to do after the last look before sleep.
func (s state) sleep(now time.Time, found contact.QueueState) action {
	i := s.idle
	switch {
	case found.Dead && i.foundAt.Sub(s.maintainedAt) >= maintainPause:
		return action{do: doMaintain, reason: ReasonAwake}
	case found.Paused != nil && s.once:
		return action{do: doFinish, why: endPaused}
	case found.Due && !i.again: // committed since the claim: claim again at once
		return s.claim(ReasonAwake)
	case found.Due && s.once:
		return action{do: doFinish, why: endLocked}
	case found.Due:
		return s.lookAt(now, i.foundAt.Add(i.locked), ReasonPoll)
	case s.once:
		return action{do: doFinish, why: endEmpty}
	case !found.Armed && found.Paused == nil:
		return s.lookAt(now, i.foundAt.Add(i.poll), ReasonPoll)
	}
	at, why := s.maintainAt, ReasonTick
	next := found.Next
	if found.Dead && next >= 0 {
		next = max(next, maintainPause) // what cannot be freed yet is no reason to look at once
	}
	if due := i.foundAt.Add(next); next >= 0 && !due.After(at) {
		at, why = due, ReasonDue
	}
	if dead := i.foundAt.Add(maintainPause); found.Dead && dead.Before(at) {
		at, why = dead, ReasonPoll
	}
	if deaf := i.foundAt.Add(deafPoll); s.deaf && deaf.Before(at) {
		at, why = deaf, ReasonPoll
	}
	return s.lookAt(now, at, why)
}

// lookAt claims when it is time, and until then waits for that or for a wake-up.
func (s state) lookAt(now, at time.Time, why Reason) action {
	if !now.Before(at) {
		return s.claim(why)
	}
	wait := s.wait(at)
	wait.hears = true
	return wait
}
