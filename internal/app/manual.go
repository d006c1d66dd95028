package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/scrapersky/contactsync/internal/config"
	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/drain"
	"github.com/scrapersky/contactsync/internal/leader"
	"github.com/scrapersky/contactsync/internal/ops"
	"github.com/scrapersky/contactsync/internal/queue"
)

// manualSlots is how many people may sync by hand at a time.
const manualSlots = 64

// Manual syncs contacts by hand, one by one, whatever their status. It does a
// leader's work in a slot of its own, so that its claims are fenced and rescued like
// any leader's.
type Manual struct {
	Who       string         // for the record
	Overrides *contact.Pause // the operator's pause that is in force, for the record; nil: none is

	Sending func(c contact.Contact) // is called before a contact is sent
	Done    func(a Attempt)         // is called once for each contact

	worker *worker
	sent   []string // the ids of those that were sent, or tried to be
}

// Attempt is how the sync of one contact ended.
type Attempt struct {
	ID      string
	Email   string
	Claimed bool             // false: it does not exist, or somebody is working on it
	Outcome *contact.Outcome // what HubSpot answered; nil where that is not known
	Took    time.Duration
	Settled []contact.Settled // what was written to the row
}

// Synced reports whether the contact is in HubSpot and its row says so.
func (a Attempt) Synced() bool {
	for _, s := range a.Settled {
		if s.Final == contact.Lost {
			return false
		}
	}
	return a.Outcome != nil && a.Outcome.Verdict == contact.Synced
}

// NewManual waits for the database and checks it. The caller sets the exported fields.
func NewManual(ctx context.Context, cfg config.Config, log *slog.Logger) (*Manual, error) {
	m := &Manual{worker: newWorker(hubSpot(), cfg, InstanceName(), log)}
	if err := checkSchema(ctx, log, SchemaOptions(cfg), m.worker); err != nil {
		return m, err
	}
	return m, m.worker.visible.err()
}

// Sync syncs the contacts with these ids until ctx ends, and returns how many could
// not be synced. The contact in flight is finished then. What was done is recorded.
func (m *Manual) Sync(ctx context.Context, ids []string) (failed int, err error) {
	w := m.worker
	if err := w.dial(); err != nil {
		return 0, err
	}
	conf := w.leaderConfig()
	conf.First, conf.Slots = destination.ManualSlot, manualSlots
	busy := fmt.Errorf("%d people sync by hand already; try again in a moment", manualSlots)
	err = leadOnce(ctx, context.WithoutCancel(ctx), conf, busy, func(leading context.Context, s *leader.Session) (err error) {
		w.session.Store(s)
		defer w.session.Store(nil)
		failed, err = m.each(leading, ctx, s, ids)
		return err
	})
	return failed, errors.Join(err, m.record(context.WithoutCancel(ctx)))
}

// each syncs one contact after the other.
func (m *Manual) each(ctx, stop context.Context, s *leader.Session, ids []string) (failed int, err error) {
	q := m.worker.queueOf(s)
	if err := q.Enter(ctx); err != nil {
		return 0, err
	}
	// An app may have queued a contact again while it was in flight here, and
	// what was released is for the leader: neither rings by itself.
	defer func() {
		if ctx.Err() == nil {
			err = errors.Join(err, q.Leave(ctx))
		}
	}()
	loop := m.worker.loop(q, slog.New(slog.DiscardHandler))
	loop.BatchSize, loop.Slots = 1, 1
	// Replicas may leave unchanged contacts alone, whatever this process is told.
	loop.Unchanged = &drain.Unchanged{Hash: m.worker.connection.fingerprint, Begin: q.Begin, Force: true}
	for i, id := range ids {
		if stop.Err() != nil {
			return failed, fmt.Errorf("interrupted; %d of %s not sent", len(ids)-i, ops.Count(len(ids), "contact", "contacts"))
		}
		attempt, err := m.one(ctx, stop, loop, q, id)
		if err == nil || attempt.Claimed { // what is known of it is shown also after an error
			m.Done(attempt)
		}
		if err != nil {
			return failed, err
		}
		if !attempt.Synced() {
			failed++
		}
	}
	return failed, nil
}

// one syncs one contact.
func (m *Manual) one(ctx, stop context.Context, loop *drain.Loop, q *queue.Queue, id string) (Attempt, error) {
	attempt := Attempt{ID: id}
	batch, err := q.ClaimIDs(ctx, []string{id})
	if err != nil || len(batch.Contacts) == 0 {
		return attempt, err
	}
	m.sent = append(m.sent, id)
	attempt.Claimed, attempt.Email = true, batch.Contacts[0].Email
	m.Sending(batch.Contacts[0])
	began := time.Now()
	answered, settled, err := loop.Process(ctx, stop, batch)
	attempt.Took, attempt.Settled = time.Since(began), settled
	if len(answered.Outcomes) == 1 {
		attempt.Outcome = &answered.Outcomes[0]
	}
	return attempt, err
}

// record notes what was done, also when the person had enough of it.
func (m *Manual) record(ctx context.Context) error {
	if len(m.sent) == 0 {
		return nil
	}
	a := ops.Action{Who: m.Who, Action: ops.DidSync, Rows: len(m.sent)}
	if len(m.sent) == 1 {
		a.ContactID = m.sent[0]
	}
	if m.Overrides != nil {
		a.Detail = "while it was paused by " + m.Overrides.Who
	}
	return WithStore(ctx, m.worker.cfg.Database, func(store *ops.Store) error { return store.Record(ctx, a) })
}
