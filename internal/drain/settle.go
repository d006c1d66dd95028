package drain

import (
	"context"
	"errors"
	"math"
	"slices"
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

// pending is what was answered and could not be settled yet.
type pending struct {
	contact.Answered
	began    time.Time     // of the cycle, while nothing of it is settled
	at       time.Time     // when to try again
	refused  time.Duration // the last wait after a refusal; zero when only locked
	times    int           // how often it was refused
	troubled bool          // the last try met the database's trouble
}

// settle writes the outcomes. What cannot be written now becomes pending. When
// the database refuses the statement, the rows are settled one by one, so that
// a row that an app's own trigger or constraint rejects costs no other row its
// outcome. It fails when the session is lost or the database is in trouble.
func (r *run) settle(ctx context.Context, p pending) ([]contact.Settled, error) {
	done, rest, err := r.Queue.Settle(ctx, p.Answered)
	switch {
	case err == nil:
		if len(rest.Contacts) > 0 {
			r.pending = append(r.pending, pending{Answered: rest, at: time.Now().Add(lockedRowWait)})
		}
		return done, nil
	case ctx.Err() != nil:
		return nil, err
	case errors.Is(err, contact.ErrTrouble):
		r.keep(p)
		return nil, err
	}
	r.Log.ErrorContext(ctx, "The outcomes of a cycle could not be written; writing them one by one",
		"cycle", p.Cycle, "error", err)
	for i := range p.Contacts {
		one, err := r.settleOne(ctx, pending{Answered: single(p.Answered, i)})
		if err != nil {
			for j := i + 1; j < len(p.Contacts); j++ {
				r.pending = append(r.pending, pending{Answered: single(p.Answered, j)})
			}
			return done, err
		}
		done = append(done, one...)
	}
	return done, nil
}

// keep keeps what met the database's trouble, each row by itself once that has
// lasted for long.
func (r *run) keep(p pending) {
	p.troubled = true
	if !r.lasts(trustTrouble) || len(p.Contacts) == 1 {
		r.pending = append(r.pending, p)
		return
	}
	for i := range p.Contacts {
		r.pending = append(r.pending, pending{Answered: single(p.Answered, i), troubled: true})
	}
}

// settleOne settles one row.
func (r *run) settleOne(ctx context.Context, p pending) ([]contact.Settled, error) {
	done, rest, err := r.Queue.Settle(ctx, p.Answered)
	switch {
	case err == nil && len(rest.Contacts) == 0:
		return done, nil
	case err == nil:
		p.Answered, p.at, p.troubled = rest, time.Now().Add(lockedRowWait), false
		r.pending = append(r.pending, p)
		return done, nil
	case ctx.Err() != nil:
		return nil, err
	case errors.Is(err, contact.ErrTrouble):
		if r.lasts(trustTrouble) { // it may be this row's alone: the others go on
			p.at, err = time.Now().Add(maxTrouble), nil
		}
		r.keep(p)
		return nil, err
	}
	if p.times++; p.times == 1 { // once a row, not once a try
		r.Log.ErrorContext(ctx, "The database refuses the outcome of a contact; it stays Processing and is tried again",
			"contact_id", p.Contacts[0].ID, "error", err)
	}
	if p.times == refusalsToReject {
		p.Outcomes = []contact.Outcome{{
			Verdict: contact.Reject, Code: contact.CodeOther,
			Message: "The database refuses the outcome of this contact: " + err.Error(),
		}}
	}
	p.refused = min(max(refusedRowWait, 2*p.refused), maxRefusedRowWait)
	p.at, p.troubled = time.Now().Add(p.refused), false
	r.pending = append(r.pending, p)
	return nil, nil
}

// settlePending tries what is due among the pending, but not for long while the
// database is in trouble: the heartbeat, a stop and the claims have their turn.
func (r *run) settlePending(ctx context.Context) error {
	var due []pending
	var later []pending
	for _, p := range r.pending {
		if time.Until(p.at) <= 0 {
			due = append(due, p)
		} else {
			later = append(later, p)
		}
	}
	r.pending = later
	for began := time.Now(); len(due) > 0; {
		p := due[0]
		due = due[1:]
		var done []contact.Settled
		var err error
		if p.refused > 0 || p.troubled && len(p.Contacts) == 1 {
			done, err = r.settleOne(ctx, p)
		} else {
			done, err = r.settle(ctx, p)
		}
		if len(done) == len(p.Contacts) && !p.began.IsZero() {
			r.logEnd(ctx, p.Answered, done, time.Since(p.began))
		} else {
			r.tellOutcomes(ctx, p.Answered, done)
		}
		if err != nil || r.lasts(0) && time.Since(began) > maxTrouble {
			r.pending = slices.Concat(due, r.pending)
			return err
		}
	}
	return nil
}

// settleAll tries all that is pending once more, due or not.
func (r *run) settleAll(ctx context.Context) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // nothing can be settled any more
	}
	for i := range r.pending {
		r.pending[i].at = time.Time{}
	}
	return r.settlePending(ctx)
}

// untilPending is how long until the next pending row can be tried.
func (r *run) untilPending() time.Duration {
	wait := time.Duration(math.MaxInt64)
	for _, p := range r.pending {
		wait = min(wait, max(0, time.Until(p.at)))
	}
	return wait
}

func (r *run) rowsPending() int {
	n := 0
	for _, p := range r.pending {
		n += len(p.Contacts)
	}
	return n
}

// single is the i-th contact of an answered batch alone. The first one carries
// the cycle's requests, so that they are counted once.
func single(a contact.Answered, i int) contact.Answered {
	one := contact.Answered{Batch: a.Batch}
	one.Contacts = a.Contacts[i : i+1]
	one.Outcomes = a.Outcomes[i : i+1]
	if i == 0 {
		one.Requests, one.Throttled = a.Requests, a.Throttled
	}
	return one
}
