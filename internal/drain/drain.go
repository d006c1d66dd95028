package drain

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

// Destination is where contacts go. It is the same as destination.Destination, repeated
// here so that drain imports contact alone.
type Destination interface {
	// Upsert sends contacts with distinct keys and returns exactly one outcome
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
	// Enter records who leads the slot. It comes before everything else.
	Enter(ctx context.Context) error

	// Claim takes a share of the contacts that are due, and gives the doorbell back if
	// it was held.
	Claim(ctx context.Context, share contact.Share) (contact.Batch, error)
	// Touch keeps the claims of cycles alive. It may be called beside the others.
	Touch(ctx context.Context, cycles ...int64) error
	// Settle writes the outcomes; rest is what could not be written yet. An error
	// is the row's, where there is one row.
	Settle(ctx context.Context, a contact.Answered) (done []contact.Settled, rest contact.Answered, err error)

	// ArmDoorbell tries to take the doorbell and looks once more.
	ArmDoorbell(ctx context.Context) (contact.QueueState, error)
	// Maintain frees what others left behind and returns how many rows it requeued.
	Maintain(ctx context.Context) (requeued int, err error)

	// ShowPause makes a pause of the account visible to other processes; nil ends it.
	ShowPause(ctx context.Context, pause *contact.AccountPause) error
	// MakeDue makes rows due that failed for one of the codes, at most so many.
	MakeDue(ctx context.Context, codes []contact.Code, most int) (int, error)
}

// Listener is what the loop needs to know of the wake-up's other end.
type Listener interface {
	// Proven reports whether notifications are known to arrive. While they are
	// not, the loop looks every second.
	Proven() bool
}

// Loop drains one slot. Run needs all fields but those that say what their zero
// value means; Process can do without Listener, Wake and Interval as well.
type Loop struct {
	Label       string // the destination's name for people, in messages
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
	// after half a minute, and with Run. Nil: nothing is.
	Checked func(ctx context.Context)

	// Rekeyed delivers when the account's key was changed, so that a pause for the
	// old one may be over. Nil: it never is.
	Rekeyed <-chan struct{}

	// Once makes Run return as soon as nothing is due.
	Once bool

	Observer Observer // nil: nobody
}

// Run drains until stop ends, in an orderly way: what is in flight is finished
// and settled, nothing more is claimed. It returns nil then. When ctx ends, the
// lease is lost: nothing can be settled any more, and Run returns the cause. With
// Once it returns an *AccountError or a *PausedError when nothing may be sent.
func (l *Loop) Run(ctx, stop context.Context) error {
	r := newRun(ctx, l)
	defer r.close(ctx)
	ctx, end := context.WithCancel(ctx)
	defer end()
	r.check(ctx)
	return r.loop(ctx, stop)
}

// Process sends one batch that was claimed already and settles it, for a person
// who wants these contacts synced now. It returns what became of each row, and an
// *AccountError when the account turned out to be unusable.
func (l *Loop) Process(ctx, stop context.Context, claimed contact.Batch) (contact.Answered, []contact.Settled, error) {
	r := newRun(ctx, l)
	r.state.leave(time.Now())
	b, err := r.send(ctx, claimed, time.Now())
	r.note(ctx, err)
	err = r.loop(ctx, stop)
	r.close(ctx)
	switch {
	case b.answered.Outcomes == nil: // the lease was lost
		return contact.Answered{Batch: claimed, Report: b.spread()}, nil, err
	case err == nil && len(r.unsettled) > 0 && r.troubled != nil:
		err = r.troubled
	case err == nil && r.state.breaker.pause != nil:
		err = &AccountError{Label: l.Label, Pause: *r.state.breaker.pause}
	}
	return b.answered, b.done, err
}

// AccountError is returned when nothing can be sent because the account cannot be
// used.
type AccountError struct {
	Label string // the destination's
	Pause contact.AccountPause
}

func (e *AccountError) Error() string {
	return fmt.Sprintf("%s is paused (%s): %s", e.Label, e.Pause.Code, e.Pause.Reason)
}

// PausedError is returned when nothing is synced because an operator has paused the
// sync.
type PausedError struct {
	Pause contact.Pause
}

func (e *PausedError) Error() string {
	why := ""
	if e.Pause.Reason != "" {
		why = ": " + e.Pause.Reason
	}
	return fmt.Sprintf("the sync is paused by %s since %s%s; contacts stay queued until `contactsync resume`",
		e.Pause.Who, e.Pause.Since.Local().Format(time.DateTime), why)
}

func isTrouble(err error) bool { return errors.Is(err, contact.ErrTrouble) }
