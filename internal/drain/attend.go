package drain

import (
	"context"
	"slices"
	"sync"
	"time"
)

// touchEvery is how often the cycles that are under way say so. The queue's
// quarantine counts on it.
const touchEvery = 5 * time.Second

func (u *underWay) keepAlive(cycle int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.alive = append(u.alive, cycle)
}

func (u *underWay) letGo(cycle int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.alive = slices.DeleteFunc(u.alive, func(c int64) bool { return c == cycle })
}

func (u *underWay) kept() []int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Clone(u.alive)
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
