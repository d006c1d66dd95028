package drain

import (
	"context"
	"log/slog"
	"strings"
	"sync"
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
	Paused(p *contact.AccountPause)
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
func (unobserved) Paused(*contact.AccountPause)                              {}
func (unobserved) Rescued(int)                                               {}

// events tells the log and the observer what happens. What lasts is told once when it
// begins, and once when it ends.
type events struct {
	log      *slog.Logger
	observer Observer
	label    string // the destination's
	remoteID string // the attribute of the destination's own ids

	isPaused  bool // an operator's pause was told
	unswept   bool // the last try to maintain failed
	mu        sync.Mutex
	untouched bool // the last touch failed
}

func newEvents(l *Loop) *events {
	e := &events{log: l.Log, observer: l.Observer, label: l.Label, remoteID: strings.ToLower(l.Label) + "_id"}
	if e.observer == nil {
		e.observer = unobserved{}
	}
	return e
}

// line logs a message that names the destination. Those of a cycle are those of the
// scheduler that this program replaces: people have alerts and dashboards on them.
func (e *events) line(ctx context.Context, level slog.Level, msg string, attrs ...slog.Attr) {
	e.log.LogAttrs(ctx, level, msg, attrs...) //nolint:sloglint // the name is all that varies
}

func (e *events) cycleStarted(ctx context.Context, b contact.Batch) {
	e.line(ctx, slog.LevelInfo, "Starting "+e.label+" sync scheduler cycle", slog.Int64("cycle", b.Cycle), slog.Int("contacts", len(b.Contacts)))
	for _, c := range b.Contacts {
		e.log.LogAttrs(ctx, slog.LevelInfo, "Processing contact", slog.String("contact_id", c.ID), slog.String("email", c.Email))
	}
}

// cycleFinished tells what became of a batch all of which was settled at once.
func (e *events) cycleFinished(ctx context.Context, a contact.Answered, done []contact.Settled, took time.Duration) {
	e.outcomes(ctx, a, done)
	count := map[contact.Final]int{}
	for _, s := range done {
		count[s.Final]++
	}
	e.line(ctx, slog.LevelInfo, "Finished "+e.label+" sync scheduler cycle",
		slog.Int64("cycle", a.Cycle),
		slog.Int("contacts", len(a.Contacts)),
		slog.Int("synced", count[contact.Final(contact.Synced)]),
		slog.Int("retried", count[contact.Final(contact.Retry)]),
		slog.Int("failed", count[contact.Final(contact.Reject)]+count[contact.Exhausted]),
		slog.Int("unchanged", count[contact.Final(contact.Unchanged)]),
		slog.Int("released", count[contact.Final(contact.Unspent)]),
		slog.Int("requests", a.Requests),
		slog.Duration("duration", took.Round(time.Microsecond)))
}

// cycleLost ends a cycle that was in flight when the lease was lost.
func (e *events) cycleLost(b *batch, why error) {
	e.observer.Ended(b.ctx, Ended{Report: b.spread(), Took: time.Since(b.began), Err: why})
}

// outcomes tells what became of each contact.
func (e *events) outcomes(ctx context.Context, a contact.Answered, done []contact.Settled) {
	byID := make(map[string]int, len(a.Contacts))
	for i, c := range a.Contacts {
		byID[c.ID] = i
	}
	for _, s := range done {
		c, o := a.Contacts[byID[s.ID]], a.Outcomes[byID[s.ID]]
		e.observer.Settled(c, o, s)
		e.outcome(ctx, c, o, s)
	}
}

func (e *events) outcome(ctx context.Context, c contact.Contact, o contact.Outcome, s contact.Settled) {
	who := []slog.Attr{slog.String("contact_id", c.ID), slog.String("email", c.Email)}
	switch s.Final {
	case contact.Final(contact.Synced):
		e.line(ctx, slog.LevelInfo, "Contact synced successfully to "+e.label,
			append(who, slog.String(e.remoteID, o.RemoteID), slog.Bool("created", o.Created))...)
	case contact.Final(contact.Unspent):
		e.log.LogAttrs(ctx, slog.LevelInfo, "contact released: it stays queued, no attempt is spent",
			append(who, slog.String("code", string(o.Code)))...)
	case contact.Final(contact.Unchanged):
		e.log.LogAttrs(ctx, slog.LevelInfo, "contact unchanged since it was sent last: no request needed",
			append(who, slog.String(e.remoteID, o.RemoteID))...)
	case contact.Touched:
		e.log.LogAttrs(ctx, slog.LevelInfo, "contact changed while it was in flight: it is queued again", who...)
	case contact.Lost:
		e.log.LogAttrs(ctx, slog.LevelWarn, "claim of a contact lost: nothing was written", who...)
	default:
		e.line(ctx, slog.LevelWarn, e.label+" sync failed",
			append(who, slog.String("code", string(o.Code)), slog.String("error", s.Error),
				slog.Int("attempt", s.Tries+1), slog.Bool("retry", s.Final == contact.Final(contact.Retry)))...)
	}
}

// accountChecked tells the end of the check at the start; nothing when it was broken
// off.
func (e *events) accountChecked(ctx context.Context, err error) {
	switch {
	case err == nil:
		e.line(ctx, slog.LevelInfo, e.label+" account checked")
	case ctx.Err() == nil:
		e.line(ctx, slog.LevelWarn, e.label+" account check failed", slog.Any("error", err))
	}
}

func (e *events) accountPaused(ctx context.Context, p *contact.AccountPause) {
	e.observer.Paused(p)
	e.line(ctx, slog.LevelWarn, e.label+" sync paused",
		slog.String("code", string(p.Code)), slog.String("reason", p.Reason), slog.Duration("lasts", p.For))
}

func (e *events) accountResumed(ctx context.Context, ended contact.AccountPause) {
	e.observer.Paused(nil)
	e.line(ctx, slog.LevelInfo, e.label+" sync goes on", slog.String("code", string(ended.Code)))
}

func (e *events) madeDue(ctx context.Context, rows int) {
	e.log.InfoContext(ctx, "contacts that waited for the account are due now", "rows", rows)
}

// operatorPaused tells the beginning of an operator's pause, and its end; nil is none.
func (e *events) operatorPaused(ctx context.Context, p *contact.Pause) {
	switch {
	case p != nil && !e.isPaused:
		e.line(ctx, slog.LevelWarn, e.label+" sync paused by an operator: contacts stay queued",
			slog.String("who", p.Who), slog.String("reason", p.Reason), slog.Time("since", p.Since))
	case p == nil && e.isPaused:
		e.line(ctx, slog.LevelInfo, e.label+" sync resumed by an operator")
	}
	e.isPaused = p != nil
}

// maintained tells what came of looking for what dead leaders left.
func (e *events) maintained(ctx context.Context, rows int, err error) {
	if err != nil && !e.unswept {
		e.log.ErrorContext(ctx, "rows of a stopped worker could not be requeued; trying again", "error", err)
	}
	e.unswept = err != nil
	if rows > 0 {
		e.log.WarnContext(ctx, "rows of a stopped worker are queued again", "rows", rows)
		e.observer.Rescued(rows)
	}
}

// touched tells what came of a touch. It may be called beside the others.
func (e *events) touched(ctx context.Context, cycles []int64, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err != nil && !e.untouched && ctx.Err() == nil {
		e.log.WarnContext(ctx, "claims of long cycles could not be refreshed; trying again", "cycles", cycles, "error", err)
	}
	e.untouched = err != nil
}

func (e *events) dbFailed(ctx context.Context, err error) {
	e.log.WarnContext(ctx, "database error: contacts wait until it accepts writes again", "error", err)
}

func (e *events) dbRecovered(ctx context.Context, lasted time.Duration) {
	e.log.InfoContext(ctx, "database recovered: contacts go on", "lasted", lasted.Round(time.Millisecond))
}

func (e *events) settlesOneByOne(ctx context.Context, a contact.Answered, err error) {
	e.log.ErrorContext(ctx, "outcomes of a cycle could not be written; writing them row by row", "cycle", a.Cycle, "error", err)
}

func (e *events) rowRefused(ctx context.Context, c contact.Contact, err error) {
	e.log.ErrorContext(ctx, "database refuses the outcome of a contact; it stays Processing and is tried again",
		"contact_id", c.ID, "error", err)
}

func (e *events) cut(ctx context.Context, hurry bool, cycles int) {
	why := "the time for an orderly stop is over"
	if hurry {
		why = "asked to stop at once"
	}
	if cycles > 0 {
		e.log.WarnContext(ctx, "requests in flight are cut", "why", why, "cycles", cycles)
	}
}

func (e *events) leftLocked(ctx context.Context) {
	e.log.WarnContext(ctx, "contacts that are due are locked by another session; they are left to the next run")
}

// leftUnsettled tells how many rows are left to the rescue.
func (e *events) leftUnsettled(ctx context.Context, rows int) {
	if rows > 0 {
		e.log.WarnContext(ctx, "rows that an app holds locked, or that the database refuses, could not be settled; they will be sent again", "rows", rows)
	}
}
