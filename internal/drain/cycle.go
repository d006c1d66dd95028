package drain

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

// touchEvery is how often a cycle that is under way says so. The queue's
// quarantine counts on it.
const touchEvery = 5 * time.Second

// cycle claims a batch, sends it and settles it. It answers whether there was
// anything to do.
func (r *run) cycle(ctx, stop context.Context) (worked bool, err error) {
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
	ctx = r.observer().Began(ctx, Claimed{Batch: batch, Reason: why.reason, At: began, Woken: why.woken})
	report, err := r.carry(ctx, stop, batch)
	r.observer().Ended(ctx, Ended{Report: report, Took: time.Since(began), Err: err})
	return true, err
}

// carry sends a batch that was claimed and settles it.
func (r *run) carry(ctx, stop context.Context, batch contact.Batch) (contact.Report, error) {
	r.logStart(ctx, batch)
	began := time.Now()
	report, unnoted := r.send(ctx, stop, batch)
	answered := contact.Answered{Batch: batch, Report: report}
	if ctx.Err() != nil {
		return answered.Report, context.Cause(ctx) // the lease is lost; the claims stay for the rescue
	}
	r.judge(ctx, &answered.Report)
	r.resumeRest()
	done, err := r.settle(ctx, pending{Answered: answered, began: began})
	if err == nil {
		r.logEnd(ctx, answered, done, time.Since(began))
	}
	return answered.Report, errors.Join(unnoted, err)
}

// send has the destination upsert the batch, each email once, and keeps the
// cycle's claims alive meanwhile. Contacts that are known to be unchanged are not
// sent. When it could not be noted what is sent, nothing is.
func (r *run) send(ctx, stop context.Context, batch contact.Batch) (contact.Report, error) {
	groups := contact.Merge(batch.Contacts)
	merged := make([]contact.Contact, len(groups))
	for i, g := range groups {
		merged[i] = g.Contact
	}
	same, err := r.Unchanged.sort(ctx, batch.Cycle, merged)
	if err != nil {
		return releaseAll(len(batch.Contacts), err), err
	}
	sending, cut := context.WithCancel(ctx)
	var attendant sync.WaitGroup
	attendant.Go(func() { r.attend(ctx, stop, sending.Done(), cut, batch.Cycle) })
	report := same.upsert(sending, r.Destination, merged)
	cut()
	attendant.Wait()

	outcomes := make([]contact.Outcome, len(batch.Contacts))
	for i, g := range groups {
		for _, row := range g.Rows {
			outcomes[row] = report.Outcomes[i]
		}
	}
	report.Outcomes = outcomes
	return report, nil
}

// attend touches the cycle's claims until sent is closed, and cuts the request
// when it takes too long after an orderly stop, or when there is a hurry. A touch
// is never interrupted: that would close the connection it runs on.
func (r *run) attend(ctx, stop context.Context, sent <-chan struct{}, cut func(), cycle int64) {
	touch := time.NewTicker(touchEvery)
	defer touch.Stop()
	stopped := stop.Done()
	var late <-chan time.Time
	for {
		select {
		case <-sent:
			return
		case <-touch.C:
			err := r.Queue.Touch(ctx, cycle)
			if err != nil && !r.untouched && ctx.Err() == nil {
				r.Log.WarnContext(ctx, "The claims of a long cycle could not be refreshed; trying again", "cycle", cycle, "error", err)
			}
			r.untouched = err != nil
		case <-stopped:
			stopped = nil
			timer := time.NewTimer(r.CutAfter)
			defer timer.Stop()
			late = timer.C
		case <-late:
			r.Log.WarnContext(ctx, "Cutting the request in flight: the time for an orderly stop is over", "cycle", cycle)
			cut()
			return
		case <-r.Hurry:
			r.Log.WarnContext(ctx, "Cutting the request in flight: asked to stop at once", "cycle", cycle)
			cut()
			return
		}
	}
}
