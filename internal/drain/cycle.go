package drain

import (
	"context"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

// cycle claims a batch and sends it off. It answers whether there was anything to
// do. It does not wait for the answer: see flight.
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
	seen := r.observer().Began(ctx, Claimed{Batch: batch, Reason: why.reason, At: began, Woken: why.woken})
	return true, r.launch(seen, batch, began)
}

// mayClaim says whether another batch may be claimed now. While it is not known
// that the account takes what is sent, and the database what was answered, one goes
// at a time.
func (r *run) mayClaim() bool {
	switch {
	case len(r.flights) == 0:
		return true
	case r.paused != nil || r.unproven || !r.trusted || r.lasts(0):
		return false
	}
	return len(r.flights) < r.mostFlights()
}

// What may be under way at a time: contacts, and batches. Enough to keep HubSpot's
// largest limit busy with requests that take 400 ms each, and no more, because all
// of it is in doubt when this process dies, and grows old while it waits its turn.
const (
	mostAloft   = 800
	fewFlights  = 2 // one that is answered while the other is sent
	manyFlights = 8
)

func (r *run) mostFlights() int {
	return min(max(fewFlights, mostAloft/r.BatchSize), manyFlights)
}

// landAll waits for everything that is under way and settles it.
func (r *run) landAll(ctx context.Context) error {
	var failed error
	for len(r.flights) > 0 && ctx.Err() == nil {
		if len(r.arrived) == 0 {
			select {
			case f := <-r.landed:
				r.arrived = append(r.arrived, f)
			case <-ctx.Done():
			}
		}
		if err := r.land(); err != nil {
			failed = err
		}
	}
	return failed
}

// land settles what was answered since.
func (r *run) land() error {
	for {
		select {
		case f := <-r.landed:
			r.arrived = append(r.arrived, f)
			continue
		default:
		}
		if len(r.arrived) == 0 {
			return nil
		}
		f := r.arrived[0]
		r.arrived = r.arrived[1:]
		if err := r.end(f); err != nil {
			return err
		}
	}
}

// end judges and settles a batch that was answered.
func (r *run) end(f *flight) error {
	ctx := f.ctx
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	r.forget(f)
	answered := contact.Answered{Batch: f.Batch, Report: f.spread()}
	r.judge(ctx, &answered.Report)
	r.resumeRest()
	done, err := r.settle(ctx, pending{Answered: answered, began: f.began})
	if err == nil {
		r.logEnd(ctx, answered, done, time.Since(f.began))
	}
	r.observer().Ended(ctx, Ended{Report: answered.Report, Took: time.Since(f.claimed), Err: err})
	return err
}

// await waits for an answer, but not beyond what else there is to do.
func (r *run) await(ctx context.Context, stop <-chan struct{}) {
	if len(r.arrived) > 0 {
		return
	}
	timer := time.NewTimer(max(0, min(r.untilPending(), time.Until(r.tickAt))))
	defer timer.Stop()
	select {
	case f := <-r.landed:
		r.arrived = append(r.arrived, f)
	case <-timer.C:
	case <-stop:
	case <-ctx.Done():
	}
}
