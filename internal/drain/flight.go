package drain

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

// touchEvery is how often the cycles that are under way say so. The queue's
// quarantine counts on it.
const touchEvery = 5 * time.Second

// flight is a batch whose requests are under way. Several are at a time, because
// an answer takes long and the next batch need not wait for it. All that concerns
// the database and the account stays with the loop; a flight only sends.
type flight struct {
	contact.Batch

	ctx     context.Context // of the cycle, for whoever observes it
	claimed time.Time       // when its claim was begun
	began   time.Time       // when it was sent off

	groups []contact.Group
	report contact.Report // one outcome a group; there is one as soon as over is closed
	over   chan struct{}
}

// inFlight is everything that a run has under way. Its zero value cannot be used.
type inFlight struct {
	flights []*flight    // sent off and not settled yet
	landed  chan *flight // answered; has room for all there can be
	arrived []*flight    // taken from landed, and next to be settled

	sending sync.WaitGroup
	cut     context.Context // ends when what is under way is to be broken off
	cutAll  context.CancelFunc

	mu    sync.Mutex
	alive []int64 // the cycles that are to be touched
}

func newInFlight() *inFlight {
	a := &inFlight{landed: make(chan *flight, manyFlights)}
	a.cut, a.cutAll = context.WithCancel(context.Background())
	return a
}

// launch sends a batch off, each email once. Contacts that are known to be
// unchanged are not sent. When it could not be noted what is sent, nothing is.
func (r *run) launch(ctx context.Context, batch contact.Batch, claimed time.Time) error {
	r.logStart(ctx, batch)
	f := &flight{
		Batch: batch, ctx: ctx, claimed: claimed, began: time.Now(),
		groups: contact.Merge(batch.Contacts), over: make(chan struct{}),
	}
	merged := make([]contact.Contact, len(f.groups))
	for i, g := range f.groups {
		merged[i] = g.Contact
	}
	same, err := r.Unchanged.sort(ctx, batch.Cycle, merged)
	before := r.withKeysOf(f)
	r.flights = append(r.flights, f)
	if err != nil {
		f.report = releaseAll(len(f.groups), err)
		close(f.over)
		r.landed <- f
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
		r.landed <- f
	})
	return nil
}

// withKeysOf are the flights that send one of the same emails: rows that are equal
// in that were claimed apart.
func (a *inFlight) withKeysOf(f *flight) (same []*flight) {
	keys := make(map[string]bool, len(f.groups))
	for _, g := range f.groups {
		keys[g.Contact.Key()] = true
	}
	delete(keys, "")
	for _, other := range a.flights {
		if slices.ContainsFunc(other.groups, func(g contact.Group) bool { return keys[g.Contact.Key()] }) {
			same = append(same, other)
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

// forget notes that a flight is over.
func (a *inFlight) forget(f *flight) {
	a.flights = slices.DeleteFunc(a.flights, func(other *flight) bool { return other == f })
}

func (a *inFlight) keepAlive(cycle int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.alive = append(a.alive, cycle)
}

func (a *inFlight) letGo(cycle int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.alive = slices.DeleteFunc(a.alive, func(c int64) bool { return c == cycle })
}

func (a *inFlight) kept() []int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.alive)
}

// attend touches the claims of what is under way until done is closed, and cuts
// the requests when they take too long after an orderly stop, or when there is a
// hurry. A touch is never interrupted: that would close the connection it runs on.
func (r *run) attend(ctx, stop context.Context, done <-chan struct{}) {
	touch := time.NewTicker(touchEvery)
	defer touch.Stop()
	stopped, hurry := stop.Done(), r.Hurry
	var late <-chan time.Time
	untouched := false
	for {
		select {
		case <-done:
			return
		case <-touch.C:
			cycles := r.kept()
			if len(cycles) == 0 {
				continue
			}
			err := r.Queue.Touch(ctx, cycles...) // all at once: it waits its turn on the connection
			if err != nil && !untouched && ctx.Err() == nil {
				r.Log.WarnContext(ctx, "The claims of long cycles could not be refreshed; trying again", "cycles", cycles, "error", err)
			}
			untouched = err != nil
		case <-stopped:
			stopped = nil
			timer := time.NewTimer(r.CutAfter)
			defer timer.Stop()
			late = timer.C
		case <-late:
			r.cutFlights(ctx, "the time for an orderly stop is over")
		case <-hurry:
			hurry = nil
			r.cutFlights(ctx, "asked to stop at once")
		}
	}
}

func (r *run) cutFlights(ctx context.Context, why string) {
	if n := len(r.kept()); n > 0 {
		r.Log.WarnContext(ctx, "Cutting what is in flight", "why", why, "cycles", n)
	}
	r.cutAll()
}

// attended has the flights attended until the function that it returns is called,
// which waits for all of them.
func (r *run) attended(ctx, stop context.Context) (leave func()) {
	done := make(chan struct{})
	var attendant sync.WaitGroup
	attendant.Go(func() { r.attend(ctx, stop, done) })
	return func() {
		r.cutAll()
		r.sending.Wait()
		close(done)
		attendant.Wait()
		for _, f := range r.flights { // the lease was lost; the claims stay for the rescue
			r.observer().Ended(f.ctx, Ended{Report: f.spread(), Took: time.Since(f.claimed), Err: context.Cause(ctx)}) //nolint:contextcheck // the cycle's own
		}
	}
}
