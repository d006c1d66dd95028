package drain

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

const probeTimeout = 30 * time.Second

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

	probed    chan probe     // ends of probes; room for the two there can be
	checked   chan struct{}  // Checked has returned
	beside    sync.WaitGroup // probes, and Checked
	endBeside context.CancelFunc
	besideCtx context.Context // of both; ends with the run
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
	r.besideCtx, r.endBeside = context.WithCancel(ctx)
	r.inflight.keepAlive(func(cycles ...int64) { r.touch(ctx, cycles) })
	return r
}

// close waits for all that the run has started. What is in flight still was not
// settled: the lease was lost, and the claims stay for the rescue.
func (r *run) close(ctx context.Context) {
	r.endBeside()
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
		r.look(ctx, stop)
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
		case <-when(r.state.stopAt.IsZero(), stop.Done()): // these three look takes note of
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

// look takes note of what changes beside the loop.
func (r *run) look(ctx, stop context.Context) {
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

// perform does everything but waiting.
func (r *run) perform(ctx context.Context, act action) error {
	s, now := &r.state, time.Now()
	switch act.do {
	case doEnter:
		err := r.cfg.Queue.Enter(ctx)
		s.entered = err == nil
		return err
	case doSettle:
		return r.settleAnswered()
	case doRetry:
		s.triedLast = act.all
		return r.retryUnsettled(ctx, act.all)
	case doMakeDue:
		return r.makeDue(ctx, act.n)
	case doShowPause:
		err := r.cfg.Queue.ShowPause(ctx, s.breaker.pause)
		if err == nil {
			s.shown = s.breaker.pause
		}
		return err
	case doMaintain:
		return r.maintain(ctx, act.reason)
	case doRecovered:
		r.events.dbRecovered(ctx, s.db.Recovered(now))
	case doProbe:
		s.probing = true
		r.probe(false)
	case doHalfOpen:
		r.halfOpen(ctx)
	case doClaim:
		return r.claim(ctx, act.n, act.reason)
	case doArm:
		return r.arm(ctx)
	case doFinish:
		return r.finish(ctx, act.why)
	case doCut:
		s.cut = true
		r.events.cut(ctx, s.hurry, r.inflight.cut())
	case doWait, doStop: // the loop's
	}
	return nil
}

// note takes note of an error. While the database has trouble of its own it is left
// alone for a moment; after any other error the session is to be given up.
func (r *run) note(ctx context.Context, err error) {
	now := time.Now()
	switch {
	case err == nil || ctx.Err() != nil: // the lease was lost: that is the error
	case isTrouble(err) && !(r.cfg.Once && r.state.db.For(now, onceTrouble)):
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

// claim claims a batch and sends it off. It does not wait for the answer.
func (r *run) claim(ctx context.Context, limit int, why Reason) error {
	began, i := time.Now(), &r.state.idle
	batch, err := r.cfg.Queue.Claim(ctx, limit)
	switch {
	case err != nil:
		return err
	case len(batch.Contacts) == 0:
		i.nothing(time.Now())
		return nil
	}
	seen := r.events.observer.Began(ctx, Claimed{Batch: batch, Reason: why, At: began, Woken: i.woken})
	i.claimed(time.Now(), len(batch.Contacts) == limit)
	r.state.db.Worked(time.Now())
	r.events.held(ctx, nil) // what could be claimed is not held
	_, err = r.send(seen, batch, began)
	return err
}

// arm tries the doorbell and looks once more.
func (r *run) arm(ctx context.Context) error {
	found, err := r.cfg.Queue.Arm(ctx)
	if err != nil {
		return err
	}
	r.state.idle.armed(time.Now(), found, r.state.slots)
	r.state.db.Worked(time.Now())
	r.events.held(ctx, found.Held)
	return nil
}

// finish claims nothing more, because the one round is over.
func (r *run) finish(ctx context.Context, why end) error {
	switch why {
	case endAccount:
		return &AccountError{Label: r.cfg.Label, Pause: *r.state.breaker.pause}
	case endHeld:
		return &PausedError{Hold: *r.state.idle.found.Held}
	case endLocked:
		r.events.leftLocked(ctx)
	case endEmpty:
	}
	r.state.leave(time.Now())
	return nil
}

// maintain frees what dead leaders left, and sets the next tick.
func (r *run) maintain(ctx context.Context, why Reason) error {
	s, now := &r.state, time.Now()
	s.maintainedAt, s.maintainAt = now, now.Add(r.cfg.Interval)
	n, err := r.cfg.Queue.Tidy(ctx)
	if err != nil && ctx.Err() != nil {
		return err
	}
	r.events.maintained(ctx, n, err) // what is queued must not wait for it
	if n > 0 {
		s.idle.look = ReasonRescue
	}
	s.idle.suggest(why)
	return nil
}

// makeDue makes rows due that waited for the account.
func (r *run) makeDue(ctx context.Context, most int) error {
	n, err := r.cfg.Queue.Resume(ctx, accountCodes, most)
	if err != nil {
		return err
	}
	r.state.breaker.makeDue = 0
	if n > 0 {
		r.events.madeDue(ctx, n)
		r.state.idle.look = ReasonDue
	}
	return nil
}

// check probes the account beside the first cycles, because a slow answer must not
// keep them waiting. It brings back the rows that failed for a key which has been
// changed since, and then has Checked look at the rest.
func (r *run) check() {
	r.state.checking = true
	r.probe(true)
}

// probe asks the destination beside the loop.
func (r *run) probe(start bool) {
	r.beside.Go(func() {
		ctx, cancel := context.WithTimeout(r.besideCtx, probeTimeout)
		defer cancel()
		r.probed <- probe{start: start, err: r.cfg.Destination.Probe(ctx)}
	})
}

func (r *run) probeEnded(ctx context.Context, p probe) {
	b := &r.state.breaker
	switch {
	case p.start:
		r.checkEnded(ctx, p.err)
	case p.err != nil:
		r.state.probing = false
		b.ProbeFailed(time.Now())
		r.events.accountPaused(ctx, b.pause)
	default:
		r.state.probing = false
		r.halfOpen(ctx)
	}
}

func (r *run) checkEnded(ctx context.Context, err error) {
	r.events.accountChecked(ctx, err)
	if err == nil {
		r.state.breaker.Checked()
	}
	if err != nil || r.cfg.Checked == nil {
		r.state.checking = false
		return
	}
	r.beside.Go(func() {
		ctx, cancel := context.WithTimeout(r.besideCtx, probeTimeout)
		defer cancel()
		r.cfg.Checked(ctx)
		r.checked <- struct{}{}
	})
}

// halfOpen goes on with one contact.
func (r *run) halfOpen(ctx context.Context) {
	ended := r.state.breaker.HalfOpen()
	r.state.idle.look = ReasonStart
	r.events.accountResumed(ctx, ended)
}

// touch keeps the claims of cycles alive.
func (r *run) touch(ctx context.Context, cycles []int64) {
	r.events.touched(ctx, cycles, r.cfg.Queue.Touch(ctx, cycles...))
}

// record takes note of what a batch was answered: what that means for the account
// and for its rows.
func (r *run) record(b *batch) {
	b.answered = contact.Answered{Batch: b.claimed, Report: b.spread()}
	if r.state.breaker.Record(&b.answered.Report, time.Now()) {
		r.events.accountPaused(b.ctx, r.state.breaker.pause)
	}
	r.state.answeredAt = time.Now()
	r.state.idle.suggest(ReasonAwake) // an app may have queued one of its contacts again
}
