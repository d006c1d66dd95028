package drain

import (
	"context"
	"slices"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

// cycle claims a batch and sends it off. It answers whether there was anything to
// do. It does not wait for the answer: see settleAnswered.
func (r *run) cycle(ctx context.Context) (worked bool, err error) {
	limit := r.BatchSize
	if r.unproven {
		limit = 1
	}
	why, began := r.takeLook(), time.Now()
	batch, err := r.Queue.Claim(ctx, limit)
	if err != nil {
		r.look = why // the next look is for the same reason
	}
	if err != nil || len(batch.Contacts) == 0 {
		return false, err
	}
	r.full = len(batch.Contacts) == limit
	seen := r.observer().Began(ctx, Claimed{Batch: batch, Reason: why.reason, At: began, Woken: why.woken})
	return true, r.send(seen, batch, began)
}

// send sends a batch off, each email once. Contacts that are known to be unchanged
// are not sent. When it could not be noted what is sent, nothing is.
func (r *run) send(ctx context.Context, batch contact.Batch, claimed time.Time) error {
	r.logStart(ctx, batch)
	f := &flight{
		Batch: batch, ctx: ctx, claimed: claimed, began: time.Now(),
		groups: contact.Merge(batch.Contacts), over: make(chan struct{}),
	}
	merged := make([]contact.Contact, len(f.groups))
	f.keys = make(map[string]bool, len(f.groups))
	for i, g := range f.groups {
		merged[i] = g.Contact
		if key := g.Contact.Key(); key != "" {
			f.keys[key] = true
		}
	}
	same, err := r.Unchanged.sort(ctx, batch.Cycle, merged)
	before := r.withKeysOf(f)
	r.flights = append(r.flights, f)
	if err != nil {
		f.report = releaseAll(len(f.groups), err)
		close(f.over)
		r.answered <- f
		return err
	}
	r.keepAlive(batch.Cycle)
	r.sending.Go(func() {
		sending, end := context.WithCancel(ctx)
		defer end()
		defer context.AfterFunc(r.cut, end)() //nolint:contextcheck // the end of all that is under way
		for _, other := range before {        // or older data could land after newer
			<-other.over
		}
		f.report = same.upsert(sending, r.Destination, merged)
		r.letGo(batch.Cycle)
		close(f.over)
		r.answered <- f
	})
	return nil
}

// withKeysOf are the flights that send one of the same emails: rows that are equal
// in that were claimed apart.
func (u *underWay) withKeysOf(f *flight) (same []*flight) {
	for _, other := range u.flights {
		for key := range f.keys {
			if other.keys[key] {
				same = append(same, other)
				break
			}
		}
	}
	return same
}

// spread is the report with an outcome for each row instead of each email.
func (f *flight) spread() contact.Report {
	report := f.report
	report.Outcomes = make([]contact.Outcome, len(f.Contacts))
	for i, g := range f.groups {
		for _, row := range g.Rows {
			report.Outcomes[row] = f.report.Outcomes[i]
		}
	}
	return report
}

// judged is what a batch was answered, and what that means for the account. The
// batch is not under way any more.
func (r *run) judged(f *flight) contact.Answered {
	r.flights = slices.DeleteFunc(r.flights, func(other *flight) bool { return other == f })
	answered := contact.Answered{Batch: f.Batch, Report: f.spread()}
	r.judge(f.ctx, &answered.Report)
	return answered
}

// end settles a batch that was answered.
func (r *run) end(f *flight) error {
	ctx := f.ctx
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	answered := r.judged(f)
	r.resumeRest()
	done, err := r.settle(ctx, pending{Answered: answered, began: f.began})
	if err == nil {
		r.logEnd(ctx, answered, done, time.Since(f.began))
	}
	r.observer().Ended(ctx, Ended{Report: answered.Report, Took: time.Since(f.claimed), Err: err})
	return err
}
