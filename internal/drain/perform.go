package drain

import (
	"context"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

const probeTimeout = 30 * time.Second

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
		r.probe(ctx, false)
	case doHalfOpen:
		r.halfOpen(ctx)
	case doClaim:
		return r.claim(ctx, act.share, act.reason)
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

// claim claims a batch and sends it off. It does not wait for the answer.
func (r *run) claim(ctx context.Context, share contact.Share, why Reason) error {
	began, i := time.Now(), &r.state.idle
	batch, err := r.cfg.Queue.Claim(ctx, share)
	r.state.turn++
	if inOrder := contact.InOrder(share.Most); share != inOrder && err == nil && len(batch.Contacts) == 0 {
		batch, err = r.cfg.Queue.Claim(ctx, inOrder) // there is nobody at the ends whose turn it was
	}
	switch {
	case err != nil:
		return err
	case len(batch.Contacts) == 0:
		i.nothing(time.Now())
		return nil
	}
	seen := r.events.observer.Began(ctx, Claimed{Batch: batch, Reason: why, At: began, Woken: i.woken})
	i.claimed(time.Now(), len(batch.Contacts) == share.Most)
	r.state.db.Worked(time.Now())
	r.events.operatorPaused(ctx, nil) // what can be claimed is not paused
	_, err = r.send(seen, batch, began)
	return err
}

// arm tries the doorbell and looks once more.
func (r *run) arm(ctx context.Context) error {
	found, err := r.cfg.Queue.ArmDoorbell(ctx)
	if err != nil {
		return err
	}
	r.state.idle.armed(time.Now(), found, r.state.slots)
	r.state.db.Worked(time.Now())
	r.events.operatorPaused(ctx, found.Paused)
	return nil
}

// finish claims nothing more, because the one round is over.
func (r *run) finish(ctx context.Context, why end) error {
	switch why {
	case endAccount:
		return &AccountError{Label: r.cfg.Label, Pause: *r.state.breaker.pause}
	case endPaused:
		return &PausedError{Pause: *r.state.idle.found.Paused}
	case endLocked:
		r.events.leftLocked(ctx)
	case endStuck:
		return r.troubled
	case endEmpty:
	}
	r.state.leave(time.Now())
	return nil
}

// maintain frees what dead leaders left, and sets the next tick.
func (r *run) maintain(ctx context.Context, why Reason) error {
	s, now := &r.state, time.Now()
	s.maintainedAt, s.maintainAt = now, now.Add(r.cfg.Interval)
	n, err := r.cfg.Queue.Maintain(ctx)
	if err != nil && ctx.Err() != nil {
		return err
	}
	r.events.maintained(ctx, n, err) // what is queued must not wait for it
	if n > 0 {
		s.idle.because(ReasonRescue)
	}
	s.idle.suggest(why)
	return nil
}

// makeDue makes rows due that waited for the account.
func (r *run) makeDue(ctx context.Context, most int) error {
	n, err := r.cfg.Queue.MakeDue(ctx, accountCodes, most)
	if err != nil {
		return err
	}
	r.state.breaker.makeDue = 0
	if n > 0 {
		r.events.madeDue(ctx, n)
		r.state.idle.because(ReasonDue)
	}
	return nil
}

// check probes the account beside the first cycles, because a slow answer must not
// keep them waiting. It brings back the rows that failed for a key which has been
// changed since, and then has Checked look at the rest.
func (r *run) check(ctx context.Context) {
	r.state.checking = true
	r.probe(ctx, true)
}

// probe asks the destination beside the loop.
func (r *run) probe(ctx context.Context, start bool) {
	r.beside.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, probeTimeout)
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
		ctx, cancel := context.WithTimeout(ctx, probeTimeout)
		defer cancel()
		r.cfg.Checked(ctx)
		r.checked <- struct{}{}
	})
}

// halfOpen goes on with a few contacts.
func (r *run) halfOpen(ctx context.Context) {
	ended := r.state.breaker.HalfOpen()
	r.state.idle.because(ReasonStart)
	r.events.accountResumed(ctx, ended)
}
