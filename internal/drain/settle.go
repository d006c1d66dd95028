package drain

import (
	"context"
	"errors"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

// How long the loop waits before it settles again what could not be settled:
// soon for rows that an app holds locked, slower and slower for rows whose
// write the database refused.
const (
	lockedRowWait     = 150 * time.Millisecond
	refusedRowWait    = time.Second
	maxRefusedRowWait = time.Minute

	// refusalsToReject is how often the database may refuse an outcome before the
	// row is to end in Error, without what may be the trouble: the remote id.
	refusalsToReject = 3
)

// unsettled is what was answered and could not be settled yet.
type unsettled struct {
	answered contact.Answered
	sentAt   time.Time     // of the cycle, while nothing of it is settled
	at       time.Time     // when to try again
	wait     time.Duration // the last wait after a refusal; zero when only locked
	refusals int           // how often it was refused
	troubled bool          // the last try met the database's trouble
}

// settleAnswered records and settles the batch that was answered first.
func (r *run) settleAnswered() error {
	b := r.inflight.take()
	r.record(b)
	done, err := r.settle(b.ctx, unsettled{answered: b.answered, sentAt: b.sentAt})
	b.done = done
	if err == nil {
		r.events.cycleFinished(b.ctx, b.answered, done, time.Since(b.sentAt))
	}
	r.events.observer.Ended(b.ctx, Ended{Report: b.answered.Report, Took: time.Since(b.began), Err: err})
	return err
}

// record takes note of what a batch was answered: what that means for the account
// and for its rows.
func (r *run) record(b *batch) {
	b.answered = contact.Answered{Batch: b.claimed, Report: b.spread()}
	if r.state.breaker.Record(&b.answered, time.Now()) {
		r.events.accountPaused(b.ctx, r.state.breaker.pause)
	}
	r.state.answeredAt = time.Now()
	r.state.idle.suggest(ReasonAwake) // an app may have queued one of its contacts again
}

// settle writes the outcomes. What cannot be written now stays unsettled. When the
// database refuses the statement, the rows are settled one by one, so that a row that
// an app's own trigger or constraint rejects costs no other row its outcome. It fails
// when the session is lost or the database has trouble of its own.
func (r *run) settle(ctx context.Context, u unsettled) ([]contact.Settled, error) {
	done, rest, err := r.cfg.Queue.Settle(ctx, u.answered)
	switch {
	case err == nil && len(rest.Contacts) == 0:
		return done, nil
	case err == nil:
		r.keep(unsettled{answered: rest, at: time.Now().Add(lockedRowWait), wait: u.wait, refusals: u.refusals})
		return done, nil
	case ctx.Err() != nil:
		return nil, err
	case isTrouble(err):
		return nil, r.keepTroubled(u, err)
	case len(u.answered.Contacts) == 1:
		r.keepRefused(ctx, u, err)
		return nil, nil
	}
	r.events.settlesOneByOne(ctx, u.answered, err)
	rows := singles(u.answered)
	for i, row := range rows {
		one, err := r.settle(ctx, row)
		done = append(done, one...)
		if err != nil {
			r.keep(rows[i+1:]...)
			return done, err
		}
	}
	return done, nil
}

func (r *run) keep(u ...unsettled) { r.unsettled = append(r.unsettled, u...) }

// keepTroubled keeps what met the database's trouble: each row by itself once that
// has lasted for long. Such a row may be the whole trouble: it is put off, and is no
// reason for the others to wait.
func (r *run) keepTroubled(u unsettled, err error) error {
	now := time.Now()
	met := u.troubled || u.refusals > 0
	u.troubled = true
	switch {
	case !r.state.db.For(now, trustTrouble):
		r.keep(u)
	case len(u.answered.Contacts) > 1:
		for _, row := range singles(u.answered) {
			row.troubled = true
			r.keep(row)
		}
	case met:
		u.at, err = now.Add(maxDBWait), nil
		r.keep(u)
	default:
		r.keep(u)
	}
	return err
}

// keepRefused keeps a row whose outcome the database refuses.
func (r *run) keepRefused(ctx context.Context, u unsettled, err error) {
	if u.refusals++; u.refusals == 1 { // once a row, not once a try
		r.events.rowRefused(ctx, u.answered.Contacts[0], err)
	}
	if u.refusals == refusalsToReject && !errors.Is(err, contact.ErrVetoed) {
		u.answered.Outcomes = []contact.Outcome{{
			Verdict: contact.Reject, Code: contact.CodeOther,
			Message: "The database refuses the outcome of this contact: " + err.Error(),
			InDoubt: u.answered.Outcomes[0].InDoubt,
		}}
	}
	u.wait = min(max(refusedRowWait, 2*u.wait), maxRefusedRowWait)
	u.at, u.troubled = time.Now().Add(u.wait), false
	r.keep(u)
}

// retryUnsettled tries what is due among the unsettled, or all of it. While the
// database has trouble it does not take long: a stop and the claims have their turn.
func (r *run) retryUnsettled(ctx context.Context, all bool) error {
	began := time.Now()
	var due []unsettled
	list := r.unsettled
	r.unsettled = nil
	for _, u := range list {
		if all || !began.Before(u.at) {
			due = append(due, u)
		} else {
			r.keep(u)
		}
	}
	for i, u := range due {
		done, err := r.settle(ctx, u)
		if u.troubled && len(done) > 0 {
			r.state.db.Worked(time.Now())
		}
		r.state.idle.suggest(ReasonPoll) // an app may have queued one of them again
		if len(done) == len(u.answered.Contacts) && !u.sentAt.IsZero() {
			r.events.cycleFinished(ctx, u.answered, done, time.Since(u.sentAt))
		} else {
			r.events.outcomes(ctx, u.answered, done)
		}
		switch {
		case err != nil:
			r.keep(due[i+1:]...)
			return err
		case r.state.db.Failing() && time.Since(began) > maxDBWait:
			for _, u := range due[i+1:] {
				u.at = time.Now().Add(firstDBWait)
				r.keep(u)
			}
			return nil
		}
	}
	return nil
}

// countUnsettled is how many rows are unsettled, how many of them for the database's
// trouble, and when the first of them can be tried again.
func countUnsettled(list []unsettled) (rows, stuck int, at time.Time) {
	for i, u := range list {
		n := len(u.answered.Contacts)
		rows += n
		if u.troubled {
			stuck += n
		}
		if i == 0 || u.at.Before(at) {
			at = u.at
		}
	}
	return rows, stuck, at
}

// singles are the contacts of an answered batch, each alone. The first one carries
// the cycle's requests, so that they are counted once.
func singles(a contact.Answered) []unsettled {
	rows := make([]unsettled, len(a.Contacts))
	for i := range rows {
		one := &rows[i].answered
		one.Batch, one.Contacts, one.Outcomes = a.Batch, a.Contacts[i:i+1], a.Outcomes[i:i+1]
		if i == 0 {
			one.Requests, one.Throttled = a.Requests, a.Throttled
		}
	}
	return rows
}
