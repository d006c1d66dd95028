package queue

import (
	"context"
	_ "embed" // the statements
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/database"
)

// The doorbell is one advisory lock. Whoever queues a row tries it shared for
// the transaction: granted means that the consumer is awake and a NOTIFY can be
// spared, refused means that it sleeps and must be rung. The consumer holds it
// exclusively while it sleeps. A writer that kept silent holds the lock until
// its transaction has ended, so whoever gets it exclusively sees that writer's
// rows at the last look, and every later writer rings: no wake-up is lost.
//
// It is only ever tried, never waited for: a waiter in the lock's queue would
// make every writer ring, and an idle transaction would keep it there.
const (
	armSQL    = `SELECT pg_try_advisory_lock($1, $2)`
	disarmSQL = `SELECT pg_advisory_unlock($1, $2)`
	ringSQL   = `SELECT pg_notify('contact_queued', '')`
	lockClass = database.LockClass
	doorbell  = database.DoorbellLock
)

//go:embed look.sql
var lookSQL string

// bell is what this session knows of the doorbell. A lock and an unlock outlive
// the error of what was sent with them, so after one only the server knows. An
// unlock makes sure again: of a lock that is not held it only warns.
type bell string

const (
	bellFree   bell = ""
	bellOurs   bell = "held"
	bellUnsure bell = "unsure"
)

// Arm tries to take the doorbell and looks once more at the queue, each with a
// snapshot of its own. Only when it is armed and nothing is due may the caller
// sleep. While an operator holds the destination it only looks: nobody wants to be
// woken by writers then, but by the end of the hold, which rings by itself.
func (q *Queue) Arm(ctx context.Context) (contact.Idle, error) {
	var idle contact.Idle
	before := q.bell
	q.bell = bellUnsure
	err := q.do(ctx, "arm the doorbell", func(ctx context.Context, conn *pgx.Conn) error {
		batch := &pgx.Batch{}
		if before == bellUnsure {
			batch.Queue(disarmSQL, lockClass, doorbell)
		}
		idle.Armed = before == bellOurs
		if !idle.Armed && !q.held { // a second lock of the same session would need a second unlock
			batch.Queue(armSQL, lockClass, doorbell).QueryRow(func(row pgx.Row) error {
				return row.Scan(&idle.Armed)
			})
		}
		batch.Queue(lookSQL, q.opt.Destination, q.active, q.deadAfter(), q.aside.ids()).QueryRow(func(row pgx.Row) error {
			var since *time.Time
			var who, reason *string
			var seconds float64
			err := row.Scan(&since, &who, &reason, &idle.Due, &idle.Dead, &seconds)
			idle.Next = max(0, time.Duration(seconds*float64(time.Second)))
			if since != nil {
				idle.Held = &contact.Hold{Since: *since, Who: *who, Reason: *reason}
			}
			return err
		})
		return conn.SendBatch(ctx, batch).Close()
	})
	if err != nil {
		return contact.Idle{}, err
	}
	q.bell = bellFree
	if idle.Armed {
		q.bell = bellOurs
	}
	if q.held = idle.Held != nil; q.held {
		idle.Armed, err = false, q.disarm(ctx)
	}
	if wait, some := q.aside.next(); some {
		idle.Next = min(idle.Next, wait)
	}
	return idle, err
}

// disarm gives the doorbell back where no claim does it.
func (q *Queue) disarm(ctx context.Context) error {
	if q.bell == bellFree {
		return nil
	}
	q.bell = bellUnsure
	err := q.do(ctx, "give the doorbell back", func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, disarmSQL, lockClass, doorbell)
		return err
	})
	if err == nil {
		q.bell = bellFree
	}
	return err
}

// Ring wakes every consumer.
func (q *Queue) Ring(ctx context.Context) error {
	return q.do(ctx, "ring", func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, ringSQL)
		return err
	})
}
