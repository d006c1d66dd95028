// Package drain is the loop of a leader: claim, send, settle, and again, until the
// queue is empty; then sleep until something wakes it. An answer takes long and a
// claim does not, so several batches are under way at a time; but one goroutine alone
// claims, judges and settles. The loop decides what a destination's answers mean for
// the rows and for the account. It knows neither Postgres nor any CRM, only the
// interfaces below.
//
// One layer retries, and it is the row: an attempt that failed goes back into
// the queue with a due time. The loop itself never repeats a request.
package drain

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

// Destination is where contacts go.
type Destination interface {
	// Upsert sends contacts with distinct keys and answers exactly one outcome
	// for each, in their order, whatever happens, also when ctx ends. It is called
	// by several goroutines at a time, with distinct keys as well.
	Upsert(ctx context.Context, batch []contact.Contact) contact.Report

	// Probe asks, without writing anything, whether the account can be used.
	Probe(ctx context.Context) error
}

// Queue is where contacts come from. An error of any of its methods that is a
// contact.ErrTrouble leaves everything as it was, and the session alive; after any
// other one the session is to be given up.
type Queue interface {
	Cycler
	Keeper
	Account
}

// Cycler is the queue as one cycle uses it.
type Cycler interface {
	// Claim takes at most limit contacts that are due, and gives the doorbell
	// back if it was held.
	Claim(ctx context.Context, limit int) (contact.Batch, error)
	// Touch says that cycles are alive. It may be called beside the others.
	Touch(ctx context.Context, cycles ...int64) error
	// Settle writes the outcomes; rest is what could not be written yet. An error
	// is the row's, where there is one row.
	Settle(ctx context.Context, a contact.Answered) (done []contact.Settled, rest contact.Answered, err error)
}

// Keeper is the queue between cycles.
type Keeper interface {
	// Enter says who leads the slot. It comes before everything else.
	Enter(ctx context.Context) error
	// ArmDoorbell tries to take the doorbell and looks once more.
	ArmDoorbell(ctx context.Context) (contact.QueueState, error)
	// Maintain frees what others left behind and answers how many rows it requeued.
	Maintain(ctx context.Context) (requeued int, err error)
}

// Account is what the queue keeps about the destination's account.
type Account interface {
	// ShowPause makes a pause visible to other processes; nil ends it.
	ShowPause(ctx context.Context, pause *contact.Pause) error
	// MakeDue makes rows due that failed for one of the codes, at most so many.
	MakeDue(ctx context.Context, codes []contact.Code, most int) (int, error)
}

// Listener is what the loop needs to know of the wake-up's other end.
type Listener interface {
	// Proven says whether notifications are known to arrive. While they are
	// not, the loop looks every second.
	Proven() bool
}

// Loop drains one slot. Run needs all fields but Once and Observer; Process can do without
// Listener, Wake and Interval.
type Loop struct {
	Queue       Queue
	Destination Destination
	Listener    Listener
	Wake        <-chan struct{} // all wake sources meet here; capacity one
	Log         *slog.Logger

	BatchSize int           // contacts a cycle at most
	Slots     int           // leaders beside this one, itself included
	Interval  time.Duration // the tick: how long a sleep lasts at most

	// CutAfter is how long after an orderly stop a request may still take
	// before it is cut.
	CutAfter time.Duration
	// Hurry, once closed, makes that no time at all. Nil never hurries.
	Hurry <-chan struct{}

	// Unchanged leaves contacts alone that were not changed since they were sent
	// last. Nil: everything is sent.
	Unchanged *Unchanged

	// Checked is called beside the first cycles, once the check at the start has
	// found the account usable: whatever else is to be looked at there. Its ctx ends
	// with the check's time, and with Run. Nil: nothing is.
	Checked func(ctx context.Context)

	// Rekeyed says that the account's key was changed, so that a pause for the old
	// one may be over. Nil: it never is.
	Rekeyed <-chan struct{}

	// Once makes Run return as soon as nothing is due.
	Once bool

	Observer Observer // may be nil
}

// Run drains until stop ends, in an orderly way: what is in flight is finished
// and settled, nothing more is claimed. It returns nil then. When ctx ends, the
// lease is lost: nothing can be settled any more, and Run returns the cause.
func (l *Loop) Run(ctx, stop context.Context) error {
	r := &run{Loop: l, underWay: newUnderWay(), pace: pace{poll: firstPoll}, tickAt: time.Now(), look: look{reason: ReasonStart}}
	defer r.attended(ctx, stop)()
	account := r.checkAccount(ctx)
	defer account.wait()
	if l.Once { // contacts that waited for a key which has been changed are due in this one round, and Checked has told what it found
		account.group.Wait()
	}
	for stop.Err() == nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		again, err := r.step(ctx, stop, account)
		if errors.Is(err, contact.ErrTrouble) && !r.hopeless() {
			r.endure(ctx, stop.Done(), err)
			continue
		}
		if err != nil {
			return errors.Join(err, r.settleUnderWay(ctx), r.settleAll(ctx)) // what was answered must not be sent again for it
		}
		if !again {
			return r.finish(ctx)
		}
	}
	return r.finish(ctx)
}

// Process sends one batch that was claimed already and settles it, for a person
// who wants these contacts synced now. It answers what became of each row, and a
// *PausedError when the account turned out to be unusable.
func (l *Loop) Process(ctx, stop context.Context, batch contact.Batch) (contact.Answered, []contact.Settled, error) {
	r := &run{Loop: l, underWay: newUnderWay()}
	defer r.attended(ctx, stop)()
	err := r.send(ctx, batch, time.Now())
	f := <-r.answered
	if ctx.Err() != nil {
		return contact.Answered{Batch: batch, Report: f.spread()}, nil, context.Cause(ctx)
	}
	answered := r.judged(f)
	done, settleErr := r.settle(ctx, pending{Answered: answered})
	err = errors.Join(err, settleErr)
	if err != nil && !errors.Is(err, contact.ErrTrouble) {
		return answered, done, err
	}
	if err := r.finish(ctx); err != nil {
		return answered, done, err
	}
	if err != nil && len(r.pending) > 0 {
		return answered, done, err
	}
	if r.paused != nil {
		return answered, done, &PausedError{Pause: r.paused.Pause}
	}
	return answered, done, nil
}
