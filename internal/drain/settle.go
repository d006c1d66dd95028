package drain

import (
	"context"
	"math"
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
	at      time.Time     // when to try again
	refused time.Duration // the last wait after a refusal; zero when only locked
	times   int           // how often it was refused
}

// settle writes the outcomes. What cannot be written now becomes pending. When
// the database refuses the statement, the rows are settled one by one, so that
// a row that an app's own trigger or constraint rejects costs no other row its
// outcome. It fails only when the session is lost.
func (r *run) settle(ctx context.Context, a contact.Answered) ([]contact.Settled, error) {
	done, rest, err := r.Queue.Settle(ctx, a)
	switch {
	case err == nil:
		if len(rest.Contacts) > 0 {
			r.pending = append(r.pending, pending{Answered: rest, at: time.Now().Add(lockedRowWait)})
		}
		return done, nil
	case ctx.Err() != nil:
		return nil, err
	}
	r.Log.ErrorContext(ctx, "The outcomes of a cycle could not be written; writing them one by one",
		"cycle", a.Cycle, "error", err)
	for i := range a.Contacts {
		one, err := r.settleOne(ctx, pending{Answered: single(a, i)})
		if err != nil {
			return done, err
		}
		done = append(done, one...)
	}
	return done, nil
}

// settleOne settles one row.
func (r *run) settleOne(ctx context.Context, p pending) ([]contact.Settled, error) {
	done, rest, err := r.Queue.Settle(ctx, p.Answered)
	switch {
	case err == nil && len(rest.Contacts) == 0:
		return done, nil
	case err == nil:
		p.Answered, p.at = rest, time.Now().Add(lockedRowWait)
		r.pending = append(r.pending, p)
		return done, nil
	case ctx.Err() != nil:
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
	p.at = time.Now().Add(p.refused)
	r.pending = append(r.pending, p)
	return nil, nil
}

// settlePending tries what is due among the pending.
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
	for i, p := range due {
		var done []contact.Settled
		var err error
		if p.refused > 0 {
			done, err = r.settleOne(ctx, p)
		} else {
			done, err = r.settle(ctx, p.Answered)
		}
		if err != nil {
			r.pending = append(r.pending, due[i:]...)
			return err
		}
		r.tellOutcomes(ctx, p.Answered, done)
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
