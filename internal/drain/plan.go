package drain

import (
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

// How many batches may be in flight: as many as hold mostContacts, but two at least,
// so that one is sent while another is answered (of 1000 contacts each, the largest),
// and eight at most. Eight requests that take 400 ms each are 200 in 10 s, enough for
// an account that allows 190. No more, because all of it is in doubt when this process
// dies, and grows old while it waits its turn.
const (
	mostContacts  = 800
	fewestBatches = 2
	mostBatches   = 8
)

const (
	// gatherFor is how long contacts that come one by one are gathered while others
	// are in flight. Each of them would have a request of its own otherwise, and ten
	// contacts a second would use up a limit of 100 requests in 10 s, and the day's.
	gatherFor = 250 * time.Millisecond

	// busyMaintain is how often dead claims are looked for while there is always
	// work: sleep, before which they are looked for otherwise, may be far.
	busyMaintain = 15 * time.Second

	// triedInHalfOpen is how many contacts are tried after a pause: one from each end of
	// the queue, and one that is due again.
	triedInHalfOpen = 3

	// maxStuck is how many contacts may have been sent whose outcome the database
	// does not take before nothing more is claimed.
	maxStuck = 20

	// lastTries is how long rows of a request that ended only when it was cut are
	// tried to be settled.
	lastTries = time.Second
)

// state is all that next decides on: plain facts, kept by the loop.
type state struct {
	once             bool // one round only
	batchSize, slots int
	cutAfter         time.Duration

	entered bool
	deaf    bool // the listener is not proven to hear

	inflight   int // batches sent off and not settled yet
	answered   int // those of them that were answered
	answeredAt time.Time

	unsettled   int       // contacts whose outcome could not be written yet
	unsettledAt time.Time // when to try the first of them again
	stuck       int       // contacts whose outcome the database does not take, for its own trouble

	breaker  breaker
	shown    *contact.AccountPause // what other processes are told of the breaker
	turn     int                   // of the ends of the queue, in a claim that is spread over them
	checking bool                  // the check of the account at the start is not over
	probing  bool                  // the account is being probed

	db           dbBackoff
	maintainAt   time.Time // the tick
	maintainedAt time.Time
	idle         idle

	// How it ends.
	lost      bool      // the lease: nothing can be written any more
	failed    bool      // the session is to be given up
	leavingAt time.Time // since when nothing more is claimed; zero while it is
	stopAt    time.Time // when an orderly stop was asked for; zero while it is not
	hurry     bool      // asked to stop at once
	cut       bool      // what was in flight was cut
	triedLast bool      // all that is unsettled was tried for the last time
}

// leave notes that nothing more is claimed.
func (s *state) leave(now time.Time) {
	if s.leavingAt.IsZero() {
		s.leavingAt = now
	}
}

// verb is what an action does.
type verb string

const (
	doEnter     verb = "enter"
	doSettle    verb = "settle" // the next batch that was answered
	doRetry     verb = "retry unsettled"
	doMakeDue   verb = "make due" // rows that failed for the account
	doShowPause verb = "show pause"
	doMaintain  verb = "maintain"
	doRecovered verb = "recovered" // the database's trouble is over
	doProbe     verb = "probe"     // the account
	doHalfOpen  verb = "half-open" // the breaker
	doClaim     verb = "claim"     // and send
	doArm       verb = "arm"       // the doorbell, and look once more
	doWait      verb = "wait"
	doFinish    verb = "finish" // claim nothing more
	doCut       verb = "cut"    // what is in flight
	doStop      verb = "stop"
)

// end is why one round ends.
type end string

const (
	endEmpty   end = "" // nothing is due
	endStuck   end = "stuck"
	endLocked  end = "locked"
	endPaused  end = "paused"
	endAccount end = "account"
)

// action is the one thing to do now.
type action struct {
	do     verb
	n      int           // doMakeDue: so many rows at most
	share  contact.Share // doClaim
	reason Reason        // doClaim, doMaintain: why to look at the queue now
	until  time.Time     // doWait: no longer than that; zero: until something happens
	hears  bool          // doWait: a wake-up ends it, too
	all    bool          // doRetry: also what is not due yet
	why    end           // doFinish
}

// next is the one thing to do now. It has no clock, does nothing and changes
// nothing.
func next(s state, now time.Time) action {
	switch b := s.breaker; {
	case s.lost:
		return action{do: doStop}
	case !s.leavingAt.IsZero():
		return s.drainInflight(now)
	case now.Before(s.db.until):
		return action{do: doWait, until: s.db.until}

	// What is owed comes first.
	case !s.entered:
		return action{do: doEnter}
	case s.answered > 0:
		return action{do: doSettle}
	case s.unsettledDue(now):
		return action{do: doRetry}
	case b.makeDue > 0:
		return action{do: doMakeDue, n: b.makeDue}
	case s.shown != b.pause:
		return action{do: doShowPause}
	case !now.Before(s.maintainAt):
		return action{do: doMaintain, reason: ReasonTick}
	case s.idle.claimedAt.Sub(s.maintainedAt) >= busyMaintain:
		return action{do: doMaintain, reason: ReasonAwake}
	case s.stuck == 0 && (s.db.WorksAgain() || s.db.Failing() && b.circuit == open && s.inflight == 0):
		return action{do: doRecovered}
	case s.once && s.checking: // it may make rows due that belong to this round
		return s.wait(time.Time{})

	// An answer may have to come before anything else is sent.
	case s.inflight > 0 && s.alone(), s.inflight >= s.room():
		return s.wait(time.Time{})
	case s.inflight > 0 && now.Before(s.gatheredAt()):
		return s.wait(s.gatheredAt())

	case b.circuit == open && s.once:
		return action{do: doFinish, why: endAccount}
	case b.circuit == open && s.probing:
		return s.wait(time.Time{})
	case b.circuit == open && now.Before(b.until):
		return s.wait(b.until) // a wake-up waits as well: its end looks at the queue anyway
	case b.circuit == open && b.pause.Probe:
		return action{do: doProbe}
	case b.circuit == open:
		return action{do: doHalfOpen}
	case s.stuck >= maxStuck && s.once && s.db.For(now, onceTrouble):
		return action{do: doFinish, why: endStuck}
	case s.stuck >= maxStuck:
		return s.wait(time.Time{})
	}
	return s.lookOrSleep(now)
}

// drainInflight is what is left to do once nothing more is claimed: what is in
// flight is waited for, and cut when that takes too long; then what could not be
// settled is tried for a while, and in any case once more.
func (s state) drainInflight(now time.Time) action {
	cutAt, giveUpAt := s.stopAt.Add(s.cutAfter), s.giveUpAt()
	stopping := !s.stopAt.IsZero()
	switch {
	case s.inflight > 0 && stopping && !s.cut && (s.hurry || !now.Before(cutAt)):
		return action{do: doCut}
	case s.answered > 0:
		return action{do: doSettle}
	case s.inflight > 0 && stopping && !s.cut:
		return action{do: doWait, until: cutAt}
	case s.inflight > 0:
		return action{do: doWait}
	case s.stuck == 0 && s.db.WorksAgain():
		return action{do: doRecovered}
	case s.unsettled == 0 || s.triedLast:
		return action{do: doStop}
	case s.failed || s.hurry || !now.Before(giveUpAt):
		return action{do: doRetry, all: true}
	case now.Before(s.db.until):
		return action{do: doWait, until: earliest(s.db.until, giveUpAt)}
	case s.unsettledDue(now):
		return action{do: doRetry}
	}
	return action{do: doWait, until: earliest(s.unsettledAt, giveUpAt)}
}

// giveUpAt is when what is unsettled is left to others.
func (s state) giveUpAt() time.Time {
	if s.stopAt.IsZero() {
		return latest(s.leavingAt, s.answeredAt).Add(s.cutAfter)
	}
	return latest(s.stopAt.Add(s.cutAfter), s.answeredAt.Add(lastTries))
}

// alone says that no second batch may be in flight: it is not known that the
// account takes what is sent, and the database what was answered.
func (s state) alone() bool {
	return s.breaker.circuit != closed || !s.breaker.proven || s.db.Failing()
}

// room is how many batches may be in flight.
func (s state) room() int {
	return min(max(fewestBatches, mostContacts/s.batchSize), mostBatches)
}

// gatheredAt is when the next batch may be claimed although another one is in
// flight. A full batch leaves nothing to wait for.
func (s state) gatheredAt() time.Time {
	if s.idle.full {
		return time.Time{}
	}
	return s.idle.claimedAt.Add(gatherFor)
}

func (s state) unsettledDue(now time.Time) bool {
	return s.unsettled > 0 && !now.Before(s.unsettledAt)
}

// claim takes a batch, or the few contacts to try. While it is not known whether the
// account or contacts are to blame for the last failure, they come from everywhere in
// the queue: whoever makes the destination fail, again and again, must not be all that is tried.
func (s state) claim(why Reason) action {
	share := contact.InOrder(s.batchSize)
	switch {
	case s.breaker.circuit == halfOpen:
		share = contact.Spread(min(triedInHalfOpen, s.batchSize), s.turn)
	case s.breaker.outages > 0:
		share = contact.Spread(s.batchSize, s.turn)
	}
	return action{do: doClaim, share: share, reason: why}
}

// wait waits until a time, or until something happens, but not beyond the tick and
// what is to be settled.
func (s state) wait(until time.Time) action {
	until = earliest(until, s.maintainAt)
	if s.unsettled > 0 {
		until = earliest(until, s.unsettledAt)
	}
	return action{do: doWait, until: until}
}

// earliest is the earlier of two times; zero is none.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
