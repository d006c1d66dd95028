package drain

import (
	"math"
	"slices"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

// How long the account is left alone when the answer does not say.
const (
	firstProbe    = 30 * time.Second // a key or a property must be mended by a person
	maxProbe      = 5 * time.Minute
	firstOutage   = 5 * time.Second  // a service that is down may be back soon
	maxOutage     = 15 * time.Second // a queue of thousands is to be synced within a minute of its end
	outagesToStop = 3                // reports in a row without a usable answer

	// In an outage that the account's own read does not show, after so many pauses (five
	// minutes) so many contacts are taken to be to blame for it, at most: what has no
	// others beside it would be tried for ever, and a queue must not be spent.
	longOutage  = 20
	mostGuessed = 3

	mostAccused = 300 // each is sent alone once, should it have been an outage after all

	allRows = math.MaxInt32 // more than there are
)

// accountCodes are the failures for which the account is to blame: their rows
// are made due as soon as it can be used again.
var accountCodes = []contact.Code{contact.CodeUnauthorized, contact.CodeForbidden}

// circuit is the state of a breaker.
type circuit int

// The states; the package comment has the picture.
const (
	closed   circuit = iota // contacts are sent
	open                    // nothing is sent
	halfOpen                // a few contacts are sent, and the answer decides
)

// breaker knows whether the account may be used. It reads no clock.
type breaker struct {
	label string // the destination's, for people

	circuit  circuit
	pause    *contact.AccountPause // why it is open; nil while it is not
	until    time.Time             // how long it is open at least
	openings int                   // in a row, since the last usable answer
	outages  int                   // reports in a row without a usable answer
	proven   bool                  // the last report was usable: several batches may be in flight

	suspects suspects // contacts that failed alone while others went through
	accused  []string // those that failed alone since anything went through: suspects, once something does
	guessed  int      // those that became suspects although nothing went through

	// Rows that failed for the account become due when it takes a write: one first,
	// and the rest once that went through.
	waiting bool // there may be such rows
	makeDue int  // how many of them are to be made due now
	tried   bool // one of them was the contact that was tried in the last half-open
}

// Record decides what a report means beyond its rows, and whether its failures are
// spent on them. It reports whether the breaker has opened. Half-open, a failure spends
// nothing, and its contacts are put off beyond the next try; but those that failed
// alone before while others went through pay for doing so again. What was in flight
// already when the breaker opened tells nothing new, and spends nothing either.
func (b *breaker) Record(a *contact.Answered, now time.Time) (opened bool) {
	was, usable := b.circuit, a.Pause == nil && !a.Outage
	again := a.Outage && a.Reachable && b.suspects.all(a) // that they fail is known
	if was != open && !again && (!usable || a.Requests > 0) {
		b.proven = usable
	}
	switch {
	case was == open, again && was == closed:
	case usable && a.Requests > 0:
		b.reset()
	case a.Pause != nil:
		b.trip(*a.Pause, firstProbe, maxProbe, now)
	case a.Outage:
		if b.outages++; was == halfOpen || b.outages >= outagesToStop {
			b.trip(b.outagePause(a.Outcomes), firstOutage, maxOutage, now)
		}
	}
	switch {
	case usable:
		b.suspects.learn(a)
	case a.Reachable:
		b.accuse(a)
	}
	opened = was != open && b.circuit == open
	if usable || was == closed {
		return opened
	}
	for i := range a.Outcomes {
		o := &a.Outcomes[i]
		if o.Verdict == contact.Retry && was == halfOpen && a.Reachable && b.pays(a.Contacts[i].ID) {
			continue
		}
		if o.Verdict == contact.Retry {
			o.Verdict = contact.Unspent
		}
		if was == halfOpen && o.Verdict == contact.Unspent {
			o.PutOff = b.pause.For + time.Second
		}
	}
	return opened
}

// accuse notes who failed alone while the account's own read went through.
func (b *breaker) accuse(a *contact.Answered) {
	for i, o := range a.Outcomes {
		if o.Verdict == contact.Retry && len(b.accused) < mostAccused {
			b.accused = append(b.accused, a.Contacts[i].ID)
		}
	}
}

// pays reports whether a contact that failed alone after a pause, while the account's
// own read goes through, is to blame for it: when it was so before, while others went
// through. When nothing has gone through for long, either all writes fail or there are
// no other contacts; then a few are taken to be to blame.
func (b *breaker) pays(id string) bool {
	if !b.suspects[id] && b.openings >= longOutage && b.guessed < mostGuessed {
		b.guessed++
		b.suspects.add(id)
	}
	return b.suspects[id]
}

// reset notes that the account took what was sent.
func (b *breaker) reset() {
	for _, id := range b.accused {
		b.suspects.add(id)
	}
	b.circuit, b.tried, b.openings, b.outages, b.guessed, b.accused = closed, false, 0, 0, 0, nil
	if b.waiting {
		b.waiting, b.makeDue = false, allRows
	}
}

// trip leaves the account alone for as long as asked, else from first doubling to
// most with every opening that follows another.
func (b *breaker) trip(p contact.AccountPause, first, most time.Duration, now time.Time) {
	if p.For <= 0 {
		p.For = most
		if b.openings < 10 {
			p.For = min(first<<b.openings, most)
		}
	}
	b.openings++
	b.circuit, b.pause, b.until = open, &p, now.Add(p.For)
}

// outagePause is the pause for a report without a usable answer.
func (b *breaker) outagePause(outcomes []contact.Outcome) contact.AccountPause {
	at := max(0, slices.IndexFunc(outcomes, func(o contact.Outcome) bool { return o.Verdict != contact.Reject }))
	return contact.AccountPause{
		Code:   outcomes[at].Code,
		Reason: b.label + " cannot be reached or answers with errors: " + outcomes[at].Message,
	}
}

// HalfOpen ends the time of an open breaker, and returns why it was open. Every
// other time the contact to try is one of those that wait for the account.
func (b *breaker) HalfOpen() (ended contact.AccountPause) {
	ended = *b.pause
	b.circuit, b.pause = halfOpen, nil
	if b.tried = !b.tried && slices.Contains(accountCodes, ended.Code); b.tried {
		b.waiting, b.makeDue = true, 1
	}
	return ended
}

// ProbeFailed keeps an open breaker open, for longer.
func (b *breaker) ProbeFailed(now time.Time) {
	again := *b.pause
	again.For = 0
	b.trip(again, firstProbe, maxProbe, now)
}

// NewKey has an open breaker probed at once if it is open for the old key.
func (b *breaker) NewKey(now time.Time) {
	if b.circuit == open && slices.Contains(accountCodes, b.pause.Code) {
		b.until = now
	}
}

// Checked notes that the check at the start found the account usable. Rows may wait
// for it, because the key was changed while nothing ran.
func (b *breaker) Checked() { b.waiting, b.makeDue = true, 1 }
