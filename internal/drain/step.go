package drain

import (
	"context"
	"errors"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

// run is the state of one Run.
type run struct {
	*Loop
	*underWay
	pace
	look
	trouble

	entered bool
	tickAt  time.Time // when to tidy next
	pending []pending // answered, but not settled to the last row

	paused   *pause // nil while the account may be used
	pauses   int    // pauses in a row, since the last usable answer
	outages  int    // reports in a row without a usable answer
	unproven bool   // the next report is a probe: its failure spends nothing
	trusted  bool   // the last report was usable: several batches may be under way
	shown    *pause // the pause that is written down for other processes
	resuming bool   // rows wait for the account, and become due when it takes a write
	toResume int    // how many of them are to be made due now
	tried    bool   // one that waited was tried after the last pause
	untidy   bool   // the last try to tidy failed, and was told
	held     bool   // an operator's hold was told
}

// step does the next thing there is to do. It answers false when a Run that is
// to do one round only has done it.
func (r *run) step(ctx, stop context.Context, account *accountCheck) (again bool, err error) {
	if account.passed() {
		r.resuming, r.toResume = true, 1
	}
	if err := r.settleAnswered(); err != nil {
		return false, err
	}
	if err := r.catchUp(ctx); err != nil {
		return false, err
	}
	if !time.Now().Before(r.tickAt) {
		if err := r.tidy(ctx); err != nil {
			return false, err
		}
	}
	if r.mustAwait() {
		r.await(ctx, stop.Done())
		return true, nil
	}
	if r.paused != nil {
		if r.Once {
			return false, &PausedError{Pause: r.paused.Pause}
		}
		r.endured(ctx)
		r.waitForAccount(ctx, stop)
		return true, nil
	}
	if r.stuck() >= maxStuck {
		r.sleep(ctx, stop.Done(), r.untilPending(), ReasonPoll)
		return true, nil
	}
	worked, err := r.cycle(ctx)
	if err != nil {
		return false, err
	}
	if worked {
		r.endured(ctx)
		r.noteHold(ctx, nil) // what could be claimed is not held
		r.pace = pace{poll: firstPoll, worked: time.Now(), full: r.full, tidied: r.tidied}
		if time.Since(r.tidied) >= busyTidy { // dead claims are looked for before sleep, which may be far
			return true, r.tidy(ctx)
		}
		return true, nil
	}
	return r.rest(ctx, stop)
}

// catchUp writes down what is known and not written down yet, because the
// database was in trouble, a row was locked, or it has just become known.
func (r *run) catchUp(ctx context.Context) error {
	if !r.entered {
		if err := r.Queue.Enter(ctx); err != nil {
			return err
		}
		r.entered = true
	}
	if err := r.settlePending(ctx); err != nil {
		return err
	}
	if err := r.resume(ctx); err != nil {
		return err
	}
	return r.showPause(ctx)
}

// tidy frees what dead leaders left, and sets the next tick.
func (r *run) tidy(ctx context.Context) error {
	r.tickAt = time.Now().Add(r.Interval)
	r.tidied = time.Now()
	n, err := r.Queue.Maintain(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return err
	case err != nil && !r.untidy: // what is queued must not wait for it
		r.Log.ErrorContext(ctx, "Rows of a stopped worker could not be put back into the queue; trying again", "error", err)
	}
	r.untidy = err != nil
	if n > 0 {
		r.Log.WarnContext(ctx, "Rows of a stopped worker are back in the queue", "rows", n)
		r.observer().Rescued(n)
		r.look = look{reason: ReasonRescue}
	}
	return nil
}

// finish waits for what is under way at an orderly stop, and settles what is left,
// for as long as CutAfter, but tries at least once.
func (r *run) finish(ctx context.Context) error {
	if err := r.settleUnderWay(ctx); err != nil && !errors.Is(err, contact.ErrTrouble) {
		return err
	}
	if len(r.flights) > 0 {
		return context.Cause(ctx)
	}
	for end := time.Now().Add(r.CutAfter); len(r.pending) > 0 && ctx.Err() == nil; {
		err := r.settlePending(ctx)
		switch {
		case errors.Is(err, contact.ErrTrouble):
			r.endure(ctx, r.Hurry, err)
		case err != nil:
			return err
		default:
			r.endured(ctx)
			r.sleep(ctx, r.Hurry, r.untilPending(), ReasonAwake)
		}
		if time.Now().After(end) || closed(r.Hurry) {
			break
		}
	}
	if n := r.rowsPending(); n > 0 {
		r.Log.WarnContext(ctx, "Rows that an app holds locked, or that the database does not take, could not be settled; they will be sent again", "rows", n)
	}
	return nil
}
