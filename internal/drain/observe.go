package drain

import (
	"context"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

// Observer is told what a loop does, for who counts or traces it. Its methods are
// called by the loop itself, so they must not block, and must not keep what they
// are given. Cycles overlap: further ones begin before one has ended.
type Observer interface {
	// Began is told of every cycle that has contacts. What it returns is the
	// context of the cycle from there on, of its requests too.
	Began(ctx context.Context, c Claimed) context.Context
	// Ended ends the cycle of that context. Where Err is not nil its outcomes need
	// not have been written; Settled was called for what was.
	Ended(ctx context.Context, e Ended)
	// Settled is told of each contact whose outcome was written, also of those
	// that could be settled only after their cycle.
	Settled(c contact.Contact, o contact.Outcome, s contact.Settled)

	// Paused is told that the account is paused; nil says that it goes on.
	Paused(p *contact.Pause)
	// Rescued is told how many rows of stopped workers went back to the queue.
	Rescued(rows int)
}

// Claimed is a cycle that begins.
type Claimed struct {
	contact.Batch
	Reason Reason
	At     time.Time // when the claim was begun, by this process's clock

	// Woken is when the wake-up came that ended the sleep; zero unless the reason
	// is ReasonWake.
	Woken time.Time
}

// Ended is a cycle that is over.
type Ended struct {
	contact.Report
	Took time.Duration // from the beginning of the claim
	Err  error         // why it broke off; nil when it did not
}

// Reason is why the loop looked at the queue when it found contacts. The list is
// closed: it is a metric's label.
type Reason string

// The reasons to look.
const (
	ReasonStart  Reason = "start"  // leading began, or a pause ended
	ReasonAwake  Reason = "awake"  // the loop had not gone to sleep, or an answer had just ended it: nobody needed to ring
	ReasonWake   Reason = "wake"   // a notification, or the listener was lost or found again
	ReasonDue    Reason = "due"    // the time of a retry had come
	ReasonPoll   Reason = "poll"   // rows were locked, the doorbell was not to be had, or the listener was deaf
	ReasonRescue Reason = "rescue" // rows of a stopped worker were put back

	// ReasonTick is the tick. What it finds was queued without a notification: a
	// wake-up was missed, or the rows came by a way that fires no triggers.
	ReasonTick Reason = "tick"
)

// Reasons lists every reason there is.
func Reasons() []Reason {
	return []Reason{ReasonStart, ReasonAwake, ReasonWake, ReasonDue, ReasonPoll, ReasonRescue, ReasonTick}
}

// unobserved is the observer of a loop that has none.
type unobserved struct{}

func (unobserved) Began(ctx context.Context, _ Claimed) context.Context      { return ctx }
func (unobserved) Ended(context.Context, Ended)                              {}
func (unobserved) Settled(contact.Contact, contact.Outcome, contact.Settled) {}
func (unobserved) Paused(*contact.Pause)                                     {}
func (unobserved) Rescued(int)                                               {}

func (l *Loop) observer() Observer {
	if l.Observer == nil {
		return unobserved{}
	}
	return l.Observer
}
