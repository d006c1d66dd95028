package queue

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination"
)

// The doorbell is one advisory lock. It spares notifications: a transaction that
// notifies holds a lock of the whole cluster while it commits, so that such
// transactions commit one at a time. Writers must not pay that while the consumer
// is awake anyway.
//
// Whoever queues a row tries it shared for
// the transaction: granted means that the consumer is awake and a NOTIFY can be
// spared, refused means that it sleeps and must be rung. The consumer holds it
// exclusively while it sleeps. A writer that kept silent holds the lock until
// its transaction has ended, so whoever gets it exclusively sees that writer's
// rows at the last look, and every later writer rings: no wake-up is lost.
//
// It is only ever tried, never waited for: a waiter in the lock's queue would
// make every writer ring, and an idle transaction would keep it there.

// bell is what this session knows of the doorbell. A lock and an unlock outlive
// the error of what was sent with them, so after one only the server knows. An
// unlock makes sure again: of a lock that is not held it only warns.
type bell string

const (
	bellFree   bell = ""
	bellOurs   bell = "held"
	bellUnsure bell = "unsure"
)

// doorbell returns the arguments that name the destination's doorbell.
func (q *Queue) doorbell() pgx.NamedArgs {
	return pgx.NamedArgs{"class": destination.LockClass, "key": q.opt.Target.Destination.Doorbell()}
}

// slotLock returns the arguments that name the lock of a slot.
func (q *Queue) slotLock(slot int) pgx.NamedArgs {
	return pgx.NamedArgs{"class": destination.LockClass, "key": q.opt.Target.Destination.SlotLock(slot)}
}

// ArmDoorbell tries to take the doorbell and looks once more at the queue, each with a
// snapshot of its own. Only when it is armed and nothing is due may the caller
// sleep. While an operator holds the destination it only looks: nobody wants to be
// woken by writers then, but by the end of the hold, which rings by itself.
func (q *Queue) ArmDoorbell(ctx context.Context) (contact.QueueState, error) {
	var state contact.QueueState
	before := q.bell
	q.bell = bellUnsure
	err := q.do(ctx, "arm the doorbell", func(ctx context.Context, conn *pgx.Conn) error {
		batch := &pgx.Batch{}
		if before == bellUnsure {
			q.sql.Queue(batch, "unlock", q.doorbell())
		}
		state.Armed = before == bellOurs
		if !state.Armed && !q.held { // a second lock of the same session would need a second unlock
			q.sql.Queue(batch, "try_lock", q.doorbell()).QueryRow(func(row pgx.Row) error {
				return row.Scan(&state.Armed)
			})
		}
		q.sql.Queue(batch, "arm", pgx.NamedArgs{
			"destination": q.name, "active": q.active,
		}).QueryRow(func(row pgx.Row) error { return scanState(row, &state) })
		return conn.SendBatch(ctx, batch).Close()
	})
	if err != nil {
		return contact.QueueState{}, err
	}
	q.bell = bellFree
	if state.Armed {
		q.bell = bellOurs
	}
	if q.held = state.Paused != nil; q.held {
		state.Armed, err = false, q.disarm(ctx)
	}
	return state, err
}

// scanState reads the last look.
func scanState(row pgx.Row, state *contact.QueueState) error {
	var since *time.Time
	var who, reason *string
	var seconds float64
	err := row.Scan(&since, &who, &reason, &state.Due, &state.Dead, &seconds)
	state.Next = max(0, time.Duration(seconds*float64(time.Second)))
	if since != nil {
		state.Paused = &contact.Pause{Since: *since, Who: *who, Reason: *reason}
	}
	return err
}

// disarm gives the doorbell back where no claim does it.
func (q *Queue) disarm(ctx context.Context) error {
	if q.bell == bellFree {
		return nil
	}
	q.bell = bellUnsure
	err := q.do(ctx, "give the doorbell back", func(ctx context.Context, conn *pgx.Conn) error {
		return q.sql.Exec(ctx, conn, "unlock", q.doorbell())
	})
	if err == nil {
		q.bell = bellFree
	}
	return err
}

// Ring wakes every consumer.
func (q *Queue) Ring(ctx context.Context) error {
	return q.do(ctx, "ring", func(ctx context.Context, conn *pgx.Conn) error {
		return q.sql.Exec(ctx, conn, "ring", ring())
	})
}

func ring() pgx.NamedArgs { return pgx.NamedArgs{"channel": destination.Channel} }
