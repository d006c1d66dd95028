package drain

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

// touchEvery is how often the claims of what is in flight are kept alive. The queue's
// quarantine counts on it.
const touchEvery = 5 * time.Second

// batch is a batch that was sent off. All that concerns the database and the account
// stays with the loop; a batch only sends.
type batch struct {
	claimed contact.Batch
	ctx     context.Context // of the cycle, for whoever observes it
	began   time.Time       // its claim
	sentAt  time.Time

	groups []contact.Group
	report contact.Report // one outcome a group; there is one as soon as it was answered

	answered contact.Answered  // as it was to be settled; once it was recorded
	done     []contact.Settled // what of it was settled at once
}

// spread is the report with an outcome for each row instead of each key.
func (b *batch) spread() contact.Report {
	report := b.report
	report.Outcomes = make([]contact.Outcome, len(b.claimed.Contacts))
	for i, g := range b.groups {
		for _, row := range g.Rows {
			report.Outcomes[row] = b.report.Outcomes[i]
		}
	}
	return report
}

// send sends a batch off, each key once. Contacts that are known to be unchanged
// are not sent. When it could not be noted what is sent, nothing is.
func (r *run) send(ctx context.Context, claimed contact.Batch, began time.Time) (*batch, error) {
	r.events.cycleStarted(ctx, claimed)
	b := &batch{
		claimed: claimed, ctx: ctx, began: began, sentAt: time.Now(),
		groups: contact.Merge(claimed.Contacts),
	}
	merged := make([]contact.Contact, len(b.groups))
	for i, g := range b.groups {
		merged[i] = g.Contact
		merged[i].FailedAlone = r.state.breaker.suspects.anyOf(claimed.Contacts, g.Rows)
	}
	same, err := r.cfg.Unchanged.split(ctx, claimed.Cycle, merged)
	if err != nil {
		r.inflight.send(ctx, b, func(context.Context) contact.Report { return releaseAll(len(b.groups), err) })
		return b, err
	}
	r.inflight.send(ctx, b, func(ctx context.Context) contact.Report { return same.upsert(ctx, r.cfg.Destination, merged) })
	return b, nil
}

// inflight is everything that was sent off and is not settled yet.
type inflight struct {
	batches []*batch // the loop's

	sending sync.WaitGroup
	cutting context.Context // ends when what is in flight is to be broken off
	cutAll  context.CancelFunc

	touching sync.WaitGroup
	quit     chan struct{} // ends the keep-alive

	arrived  chan struct{} // a batch was answered; capacity one
	mu       sync.Mutex
	answered []*batch
	sent     []int64 // the cycles whose requests are not over: their claims are kept alive
}

func newInflight() *inflight {
	f := &inflight{quit: make(chan struct{}), arrived: make(chan struct{}, 1)}
	f.cutting, f.cutAll = context.WithCancel(context.Background())
	return f
}

// send has a batch sent beside the loop. No two of them hold the same key, which is
// claimed with the row.
func (f *inflight) send(ctx context.Context, b *batch, upsert func(ctx context.Context) contact.Report) {
	f.batches = append(f.batches, b)
	f.mu.Lock()
	f.sent = append(f.sent, b.claimed.Cycle)
	f.mu.Unlock()
	f.sending.Go(func() {
		ctx, end := context.WithCancel(ctx)
		defer end()
		defer context.AfterFunc(f.cutting, end)() //nolint:contextcheck // the end of all that is in flight
		b.report = upsert(ctx)
		f.mu.Lock()
		defer f.mu.Unlock()
		f.sent = slices.DeleteFunc(f.sent, func(c int64) bool { return c == b.claimed.Cycle })
		f.answered = append(f.answered, b)
		select {
		case f.arrived <- struct{}{}:
		default: // the loop has not yet seen the last one
		}
	})
}

// count is how many batches there are, and how many of them were answered.
func (f *inflight) count() (all, answered int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.batches), len(f.answered)
}

// take takes the batch that was answered first, to be settled.
func (f *inflight) take() *batch {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := f.answered[0]
	f.answered = f.answered[1:]
	f.batches = slices.DeleteFunc(f.batches, func(other *batch) bool { return other == b })
	return b
}

// cut breaks off all requests, and returns how many cycles that concerns.
func (f *inflight) cut() int {
	f.cutAll()
	return len(f.cycles())
}

// cycles are those whose claims are to be kept alive.
func (f *inflight) cycles() []int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.sent)
}

// keepAlive touches the claims of what is in flight until close, beside the loop,
// which may be waiting for the database. All are touched at once: a touch waits its
// turn on the connection. It is never interrupted, which would close that.
func (f *inflight) keepAlive(touch func(cycles ...int64)) {
	f.touching.Go(func() {
		tick := time.NewTicker(touchEvery)
		defer tick.Stop()
		for {
			select {
			case <-f.quit:
				return
			case <-tick.C:
				if cycles := f.cycles(); len(cycles) > 0 {
					touch(cycles...)
				}
			}
		}
	})
}

// close breaks off what is in flight, waits for all of it, and returns it.
func (f *inflight) close() []*batch {
	f.cutAll()
	f.sending.Wait()
	close(f.quit)
	f.touching.Wait()
	return f.batches
}
