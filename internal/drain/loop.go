package drain

import (
	"context"
	"errors"
	"sync"
	"time"
)

// run is one Run, or one Process. All of it belongs to the loop's goroutine but what
// inflight guards.
type run struct {
	cfg      *Loop
	state    state
	inflight *inflight
	events   *events

	unsettled []unsettled
	troubled  error // the database's last trouble
	err       error // why the session is to be given up

	probed  chan probe     // ends of probes; room for the two there can be
	checked chan struct{}  // Checked has returned
	beside  sync.WaitGroup // probes, and Checked
}

// probe is the end of a probe of the account.
type probe struct {
	start bool // it was the check at the start
	err   error
}

func newRun(ctx context.Context, l *Loop) *run {
	r := &run{
		cfg:      l,
		inflight: newInflight(),
		events:   newEvents(l),
		probed:   make(chan probe, 2),
		checked:  make(chan struct{}, 1),
		state: state{
			once: l.Once, batchSize: l.BatchSize, slots: l.Slots, cutAfter: l.CutAfter,
			breaker: breaker{label: l.Label}, maintainAt: time.Now(), idle: idle{look: ReasonStart},
		},
	}
	r.inflight.keepAlive(func(cycles ...int64) { r.events.touched(ctx, cycles, l.Queue.Touch(ctx, cycles...)) })
	return r
}

// close waits for all that the run has started, whose own context is over. What is in flight still was not
// settled: the lease was lost, and the claims stay for the rescue.
func (r *run) close(ctx context.Context) {
	r.beside.Wait()
	for _, b := range r.inflight.close() {
		r.events.cycleLost(b, context.Cause(ctx))
	}
}

// loop does one thing after the other, as next says, until there is nothing left to
// do. This is the only place that waits.
func (r *run) loop(ctx, stop context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		r.refresh(ctx, stop)
		act := next(r.state, time.Now())
		if act.do == doStop {
			return r.result(ctx)
		}
		if act.do != doWait {
			err := r.perform(ctx, act)
			r.note(ctx, err)
			continue
		}
		var timeout <-chan time.Time
		if !act.until.IsZero() {
			timer.Reset(time.Until(act.until))
			timeout = timer.C
		}
		select {
		case <-r.inflight.arrived: // an answer: next sees it
		case <-when(act.hears, r.cfg.Wake):
			r.state.idle.wake(time.Now())
		case <-timeout:
			if act.hears && len(r.cfg.Wake) > 0 { // a wake-up of the same moment is the better reason
				<-r.cfg.Wake
				r.state.idle.wake(time.Now())
			}
		case <-when(r.state.breaker.circuit == open && !r.state.probing, r.cfg.Rekeyed):
			r.state.breaker.NewKey(time.Now())
		case p := <-r.probed:
			r.probeEnded(ctx, p)
		case <-r.checked:
			r.state.checking = false
		case <-when(r.state.stopAt.IsZero(), stop.Done()): // refresh takes note of these three
		case <-when(!r.state.hurry, r.cfg.Hurry):
		case <-ctx.Done():
		}
	}
}

// when is a channel to receive from only on a condition.
func when(condition bool, c <-chan struct{}) <-chan struct{} {
	if condition {
		return c
	}
	return nil
}

// refresh takes note of what changes beside the loop.
func (r *run) refresh(ctx, stop context.Context) {
	s := &r.state
	s.lost = ctx.Err() != nil
	if s.stopAt.IsZero() && stop.Err() != nil {
		s.stopAt = time.Now()
		s.leave(s.stopAt)
	}
	select {
	case <-r.cfg.Hurry:
		s.hurry = true
	default:
	}
	s.inflight, s.answered = r.inflight.count()
	s.unsettled, s.stuck, s.unsettledAt = countUnsettled(r.unsettled)
	s.deaf = r.cfg.Listener != nil && !r.cfg.Listener.Proven()
}

// note takes note of an error. While the database has trouble of its own it is left
// alone for a moment; after any other error the session is to be given up.
func (r *run) note(ctx context.Context, err error) {
	now := time.Now()
	switch {
	case err == nil || ctx.Err() != nil: // the lease was lost: that is the error
	case isTrouble(err) && (!r.cfg.Once || !r.state.db.For(now, onceTrouble)):
		r.troubled = err
		if r.state.db.Failed(now) {
			r.events.dbFailed(ctx, err)
		}
	default:
		r.err = errors.Join(r.err, err)
		r.state.failed = true
		r.state.leave(now)
	}
}

// result is what Run returns.
func (r *run) result(ctx context.Context) error {
	switch {
	case r.err != nil:
		return r.err
	case ctx.Err() != nil && (r.state.leavingAt.IsZero() || r.state.inflight > 0):
		return context.Cause(ctx)
	}
	r.events.leftUnsettled(ctx, r.state.unsettled)
	return nil
}
