package drain

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

// at is a moment of the tests of what has no clock.
func at(after time.Duration) time.Time {
	return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).Add(after)
}

// working is the state of a loop that has just claimed and settled a full batch,
// an hour before the tick.
func working() state {
	return state{
		batchSize: 10, slots: 1, cutAfter: 22 * time.Second, entered: true,
		breaker:    breaker{proven: true},
		maintainAt: at(time.Hour), maintainedAt: at(0),
		idle: idle{look: ReasonAwake, claimedAt: at(0), full: true},
	}
}

// empty is the state of one whose last claim got nothing, long after the last one
// that got something.
func empty() state {
	s := working()
	s.idle = idle{claimedAt: at(-time.Minute), emptyAt: at(0)}
	return s
}

// asleep is the state of one that has looked once more since.
func asleep(found contact.QueueState) state {
	s := empty()
	s.idle.armed(at(0), found, s.slots)
	return s
}

func (s state) with(change func(*state)) state {
	change(&s)
	return s
}

func waits(until time.Duration) action { return action{do: doWait, until: at(until)} }

// hears is a wait that a wake-up ends.
func hears(until time.Duration) action { return action{do: doWait, until: at(until), hears: true} }

// claims is a claim of a whole batch.
func claims(why Reason) action {
	return action{do: doClaim, share: contact.InOrder(10), reason: why}
}

// The plan, as a specification. It is now at(0) unless the row says otherwise.
func TestNext(t *testing.T) {
	t.Parallel()
	armed, pause := contact.QueueState{Armed: true, Next: -1}, &contact.AccountPause{Code: contact.CodeUnauthorized, Probe: true}
	opened := func(s *state) {
		s.breaker = breaker{circuit: open, pause: pause, until: at(30 * time.Second)}
		s.shown = pause
	}
	failing := func(s *state) { s.db.Failed(at(-time.Second)) }
	stopping := func(s *state) {
		s.stopAt = at(0)
		s.leave(at(0))
	}
	for _, test := range []struct {
		name  string
		state state
		now   time.Duration
		want  action
	}{
		{"a leader says who it is", working().with(func(s *state) { s.entered = false }), 0, action{do: doEnter}},
		{"then frees what dead leaders left", working().with(func(s *state) { s.maintainAt = at(0) }), 0, action{do: doMaintain, reason: ReasonTick}},
		{"then claims a batch", working(), 0, claims(ReasonAwake)},

		// What is owed comes before anything new.
		{"an answer is settled first", working().with(func(s *state) { s.inflight, s.answered, s.unsettled = 1, 1, 1 }), 0, action{do: doSettle}},
		{"what could not be settled is tried again when it is time", working().with(func(s *state) { s.unsettled, s.unsettledAt = 3, at(0) }), 0, action{do: doRetry}},
		{"and not before", working().with(func(s *state) { s.unsettled, s.unsettledAt = 3, at(1) }), 0, claims(ReasonAwake)},
		{"rows that failed for the account become due", working().with(func(s *state) { s.breaker.makeDue = 1 }), 0, action{do: doMakeDue, n: 1}},
		{"a pause is shown", working().with(opened).with(func(s *state) { s.shown = nil }), 0, action{do: doShowPause}},
		{"and its end", working().with(func(s *state) { s.shown = pause }), 0, action{do: doShowPause}},
		{"dead claims are looked for while there is always work", working().with(func(s *state) { s.idle.claimedAt = at(15 * time.Second) }), 15 * time.Second, action{do: doMaintain, reason: ReasonAwake}},

		// How many batches are in flight.
		{"a second batch goes while the first is answered", working().with(func(s *state) { s.inflight = 1 }), 0, claims(ReasonAwake)},
		{"but not a ninth", working().with(func(s *state) { s.inflight = 8 }), 0, waits(time.Hour)},
		{"of the largest batches not a third", working().with(func(s *state) { s.batchSize, s.inflight = 1000, 2 }), 0, waits(time.Hour)},
		{"none before the account is known to take anything", working().with(func(s *state) { s.inflight, s.breaker.proven = 1, false }), 0, waits(time.Hour)},
		{"none while the database has trouble", working().with(failing).with(func(s *state) { s.inflight = 1 }), 0, waits(time.Hour)},
		{"what comes one by one is gathered", working().with(func(s *state) { s.inflight, s.idle.full = 1, false }), 0, waits(gatherFor)},
		{"for 250 ms", working().with(func(s *state) { s.inflight, s.idle.full = 1, false }), gatherFor, claims(ReasonAwake)},
		{"a wait ends when something can be settled", working().with(func(s *state) { s.inflight, s.unsettled, s.unsettledAt = 8, 1, at(time.Second) }), 0, waits(time.Second)},

		// The account.
		{"open, nothing is sent", working().with(opened), 0, waits(30 * time.Second)},
		{"what is in flight is waited for first", working().with(opened).with(func(s *state) { s.inflight = 1 }), 40 * time.Second, waits(time.Hour)},
		{"then the account is probed", working().with(opened), 30 * time.Second, action{do: doProbe}},
		{"once at a time", working().with(opened).with(func(s *state) { s.probing = true }), 40 * time.Second, waits(time.Hour)},
		{"where time alone heals, it is not", working().with(opened).with(func(s *state) {
			s.breaker.pause = &contact.AccountPause{Code: contact.CodeDailyLimit}
			s.shown = s.breaker.pause
		}), 30 * time.Second, action{do: doHalfOpen}},
		{"half-open, one contact is sent from each end of the queue", working().with(func(s *state) { s.breaker.circuit = halfOpen }), 0, action{do: doClaim, share: contact.Share{Most: 3, Retries: 1, Newest: 1}, reason: ReasonAwake}},
		{"of batches of one, one", working().with(func(s *state) { s.breaker.circuit, s.batchSize = halfOpen, 1 }), 0, action{do: doClaim, share: contact.Share{Most: 1, Newest: 1}, reason: ReasonAwake}},
		{"in turns", working().with(func(s *state) { s.breaker.circuit, s.batchSize, s.turn = halfOpen, 1, 2 }), 0, action{do: doClaim, share: contact.Share{Most: 1, Retries: 1}, reason: ReasonAwake}},
		{"after an outage, a batch is from everywhere", working().with(func(s *state) { s.breaker.outages = 1 }), 0, action{do: doClaim, share: contact.Share{Most: 10, Retries: 3, Newest: 4}, reason: ReasonAwake}},
		{"and its answer waited for", working().with(func(s *state) { s.breaker.circuit, s.inflight = halfOpen, 1 }), 0, waits(time.Hour)},

		// The database.
		{"in trouble, it is left alone, whatever is owed", working().with(failing).with(func(s *state) { s.answered, s.inflight = 1, 1 }), -time.Second, waits(firstDBWait - time.Second)},
		{"for a moment", working().with(failing).with(func(s *state) { s.answered, s.inflight = 1, 1 }), firstDBWait - time.Second, action{do: doSettle}},
		{"the trouble is over when it works again", working().with(failing).with(func(s *state) { s.db.Worked(at(0)) }), 0, action{do: doRecovered}},
		{"but not while it refuses an outcome", working().with(failing).with(func(s *state) {
			s.db.Worked(at(0))
			s.stuck, s.unsettled, s.unsettledAt = 1, 1, at(time.Second)
		}), 0, claims(ReasonAwake)},
		{"nor are more and more sent meanwhile", working().with(func(s *state) { s.stuck, s.unsettled, s.unsettledAt = 20, 20, at(time.Second) }), 0, waits(time.Second)},
		{"with nothing owed to a paused account it is over too", working().with(failing).with(opened), 0, action{do: doRecovered}},

		// Falling asleep.
		{"an empty queue is polled for a moment", empty().with(func(s *state) { s.idle.claimedAt = at(-linger + 1) }), 0, hears(firstPoll)},
		{"because the next row is likely to follow", empty().with(func(s *state) { s.idle.claimedAt = at(-linger + 1) }), firstPoll, claims(ReasonAwake)},
		{"then the doorbell is tried", empty(), 0, action{do: doArm}},
		{"and it sleeps until the tick", asleep(armed), 0, hears(time.Hour)},
		{"a wake-up ends the sleep", asleep(armed).with(func(s *state) { s.idle.wake(at(0)) }), 0, claims(ReasonWake)},
		{"so does what becomes due", asleep(contact.QueueState{Armed: true, Next: 3 * time.Second}), 0, hears(3 * time.Second)},
		{"which is claimed then", asleep(contact.QueueState{Armed: true, Next: 3 * time.Second}), 3 * time.Second, claims(ReasonDue)},
		{"a deaf listener is not relied on", asleep(armed).with(func(s *state) { s.deaf = true }), 0, hears(deafPoll)},
		{"rows committed since the claim are claimed at once", asleep(contact.QueueState{Due: true, Next: -1}), 0, claims(ReasonAwake)},
		{"rows that stay locked are polled for", empty().with(func(s *state) {
			s.idle.again = true
			s.idle.armed(at(0), contact.QueueState{Due: true, Next: -1}, 1)
		}), 0, hears(lockedPoll)},
		{"so is a doorbell that a writer holds", asleep(contact.QueueState{Next: -1}), 0, hears(firstPoll)},
		{"but not while an operator has paused the sync", asleep(contact.QueueState{Paused: &contact.Pause{}, Next: -1}), 0, hears(time.Hour)},
		{"dead claims are freed before sleep", asleep(contact.QueueState{Armed: true, Dead: true, Next: -1}).with(func(s *state) { s.maintainedAt = at(-time.Second) }), 0, action{do: doMaintain, reason: ReasonAwake}},
		{"once a second", asleep(contact.QueueState{Armed: true, Dead: true, Next: -1}), 0, hears(time.Second)},
		{"also where what is dead counts as due", asleep(contact.QueueState{Armed: true, Dead: true}), 0, hears(time.Second)},

		// One round.
		{"one round begins when the account is checked", working().with(func(s *state) { s.once, s.checking = true, true }), 0, waits(time.Hour)},
		{"ends when nothing is due", asleep(armed).with(func(s *state) { s.once = true }), 0, action{do: doFinish}},
		{"waits for what is in flight", empty().with(func(s *state) { s.once, s.inflight = true, 1 }), 0, waits(time.Hour)},
		{"gives up on a paused account", working().with(opened).with(func(s *state) { s.once = true }), 0, action{do: doFinish, why: endAccount}},
		{"and on a paused sync", asleep(contact.QueueState{Paused: &contact.Pause{}}).with(func(s *state) { s.once = true }), 0, action{do: doFinish, why: endPaused}},
		{"and on a database that takes no outcomes for a minute", working().with(func(s *state) {
			s.once, s.stuck, s.unsettled, s.unsettledAt = true, 20, 20, at(time.Second)
			s.db.Failed(at(-onceTrouble))
		}), 0, action{do: doFinish, why: endStuck}},
		{"and on locked rows", asleep(contact.QueueState{Due: true}).with(func(s *state) { s.once, s.idle.again = true, true }), 0, action{do: doFinish, why: endLocked}},

		// The end.
		{"a stop claims nothing more", working().with(stopping), 0, action{do: doStop}},
		{"but waits for what is in flight", working().with(stopping).with(func(s *state) { s.inflight = 1 }), 0, waits(22 * time.Second)},
		{"settles it", working().with(stopping).with(func(s *state) { s.inflight, s.answered = 1, 1 }), 0, action{do: doSettle}},
		{"even while the database has trouble", working().with(stopping).with(func(s *state) {
			s.inflight, s.answered = 1, 1
			s.db.Failed(at(0))
		}), 0, action{do: doSettle}},
		{"and cuts it when it takes too long", working().with(stopping).with(func(s *state) { s.inflight = 1 }), 22 * time.Second, action{do: doCut}},
		{"or in a hurry", working().with(stopping).with(func(s *state) { s.inflight, s.hurry = 1, true }), 0, action{do: doCut}},
		{"what was cut is answered soon", working().with(stopping).with(func(s *state) { s.inflight, s.cut = 1, true }), 22 * time.Second, action{do: doWait}},
		{"what is unsettled is tried again", working().with(stopping).with(func(s *state) { s.unsettled, s.unsettledAt = 1, at(0) }), 0, action{do: doRetry}},
		{"when it is time", working().with(stopping).with(func(s *state) { s.unsettled, s.unsettledAt = 1, at(time.Second) }), 0, waits(time.Second)},
		{"or before the end, whatever its time", working().with(stopping).with(func(s *state) { s.unsettled, s.unsettledAt = 1, at(time.Minute) }), 22 * time.Second, action{do: doRetry, all: true}},
		{"which in a hurry is now", working().with(stopping).with(func(s *state) { s.unsettled, s.unsettledAt, s.hurry = 1, at(time.Minute), true }), 0, action{do: doRetry, all: true}},
		{"a last time", working().with(stopping).with(func(s *state) { s.unsettled, s.triedLast = 1, true }), 0, action{do: doStop}},
		{"what was answered at the cut has a second", working().with(stopping).with(func(s *state) {
			s.unsettled, s.unsettledAt, s.answeredAt, s.cut = 1, at(time.Minute), at(22*time.Second), true
		}), 22 * time.Second, waits(23 * time.Second)},
		{"a failed session settles what it can, once", working().with(func(s *state) {
			s.failed, s.unsettled, s.unsettledAt = true, 1, at(time.Minute)
			s.leave(at(0))
		}), 0, action{do: doRetry, all: true}},
		{"a lost lease settles nothing", working().with(stopping).with(func(s *state) { s.lost, s.inflight, s.answered = true, 1, 1 }), 0, action{do: doStop}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := next(test.state, at(test.now)); got != test.want {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
}

// fair reports whether the next claims of so many take from every end of the queue: the
// next three at least, and each of them where there is room.
func fair(s state, most int) bool {
	var retries, newest, others int
	for range 3 {
		share := s.claim(ReasonAwake).share
		s.turn++
		retries, newest, others = retries+share.Retries, newest+share.Newest, others+share.Most-share.Retries-share.Newest
		if most >= 3 && (share.Retries == 0 || share.Newest == 0 || share.Most == share.Retries+share.Newest) {
			return false
		}
	}
	return retries > 0 && newest > 0 && others > 0
}

// Whatever the state is: no wait is over before it begins or without anything that
// can end it, nothing is claimed when nothing may be sent, and nothing is stopped
// while something can be settled.
func TestNextInAnyState(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // a test
	pause := &contact.AccountPause{Code: contact.CodeTimeout}
	some := func() bool { return random.IntN(3) == 0 }
	rarely := func() bool { return random.IntN(10) == 0 }
	moment := func() time.Time { return at(time.Duration(random.IntN(81)-40) * time.Second / 2) }
	seen := map[verb]int{}
	for range 200_000 {
		s := state{
			once: some(), batchSize: 1 + random.IntN(1000), slots: 1 + random.IntN(2), cutAfter: 10 * time.Second,
			entered: !some(), deaf: some(), answeredAt: moment(),
			checking: some(), maintainAt: moment(), maintainedAt: moment(),
			lost: rarely(), failed: rarely(), hurry: some(), cut: some(), triedLast: some(),
			turn:    random.IntN(10),
			breaker: breaker{circuit: circuit(random.IntN(3)), outages: random.IntN(3), proven: some(), until: moment()},
			idle: idle{
				claimedAt: moment(), emptyAt: moment(), foundAt: moment(), full: some(), again: some(),
				poll: maxPoll, locked: lockedPoll,
			},
		}
		if some() {
			s.inflight = 1 + random.IntN(mostBatches)
			s.answered = random.IntN(s.inflight + 1)
		}
		if some() {
			s.unsettled, s.unsettledAt = 1+random.IntN(2*maxStuck), moment()
			s.stuck = random.IntN(s.unsettled + 1)
		}
		if s.breaker.circuit == open {
			s.breaker.pause = &contact.AccountPause{Code: pause.Code, Probe: some()}
			s.probing = some()
		}
		if some() {
			s.breaker.makeDue = 1 + random.IntN(allRows)
		}
		if s.shown = s.breaker.pause; some() {
			s.shown = nil
		}
		if some() {
			s.db.Failed(moment())
		}
		if some() {
			s.idle.found = &contact.QueueState{Armed: some(), Due: some(), Dead: some(), Next: time.Duration(random.IntN(100)-1) * time.Second}
		} else if some() {
			s.idle.look = ReasonStart
		}
		if s.failed || some() {
			s.leave(moment())
		}
		if !s.leavingAt.IsZero() && some() {
			s.stopAt = s.leavingAt
		}
		act := next(s, at(0))
		seen[act.do]++
		wrong := ""
		switch act.do {
		case doWait:
			if !act.until.IsZero() && !act.until.After(at(0)) {
				wrong = "a wait that is over"
			}
			if act.until.IsZero() && s.inflight == s.answered {
				wrong = "a wait that nothing ends"
			}
		case doClaim:
			if s.lost || !s.leavingAt.IsZero() || s.breaker.circuit == open || s.stuck >= maxStuck || s.inflight >= s.room() || s.answered > 0 {
				wrong = "a claim"
			}
			if s.breaker.circuit == halfOpen && (act.share.Most > triedInHalfOpen || s.inflight > 0) {
				wrong = "more than a few contacts in a half-open breaker"
			}
			// One row's fault is one row's: who failed is never all that is tried.
			if most := act.share.Most; (s.breaker.circuit == halfOpen || s.breaker.outages > 0) && !fair(s, most) {
				wrong = "the same end of the queue, again and again"
			}
			if act.share.Most > s.batchSize || act.share.Most < 1 {
				wrong = "more than a batch"
			}
			if act.reason == "" {
				wrong = "a claim without a reason"
			}
		case doStop:
			if s.leavingAt.IsZero() && !s.lost || !s.lost && (s.inflight > 0 || s.unsettled > 0 && !s.triedLast) {
				wrong = "a stop"
			}
		case doProbe, doHalfOpen:
			if s.inflight > 0 || s.breaker.circuit != open {
				wrong = "a probe"
			}
		}
		if wrong != "" {
			t.Fatalf("seed %d: %s: %+v in %+v", seed, wrong, act, s)
		}
	}
	for _, do := range []verb{doEnter, doSettle, doRetry, doShowPause, doMaintain, doRecovered, doMakeDue, doProbe, doHalfOpen, doClaim, doArm, doWait, doFinish, doCut, doStop} {
		if seen[do] == 0 {
			t.Errorf("the states never lead to %q", do)
		}
	}
}
