package queue

import (
	"context"
	_ "embed" // the statements
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/contact"
)

//go:embed claim.sql
var claimSQL string

//go:embed claim_ids.sql
var claimIDsSQL string

// Claim takes at most limit contacts that are due; none while an operator holds
// the destination. It first gives the doorbell back, in the same round trip: who
// works has no need of being woken. A row that the database refuses to let be
// claimed costs the others nothing.
func (q *Queue) Claim(ctx context.Context, limit int) (contact.Batch, error) {
	taken, err := q.take(ctx, q.claimSQL, limit, q.opt.Slot, q.numbers[0], q.opt.Destination, q.aside.ids())
	switch {
	case errors.Is(err, contact.ErrTrouble):
		if q.tries++; q.tries > trustedTries {
			taken, err = q.claimSingly(ctx, limit)
		}
	case refused(ctx, err):
		taken, err = q.claimSingly(ctx, limit)
	}
	if err == nil {
		q.tries = 0
	}
	if err != nil || len(taken.Contacts) == 0 {
		return contact.Batch{}, err
	}
	q.begin(taken)
	if q.opt.Slots > 1 && len(taken.Contacts) == limit {
		err = q.ringAfter(ctx)
	}
	return taken, err
}

// ringAfter rings after a claim, which stands whether or not the database is in
// trouble now: who is not rung looks again by himself.
func (q *Queue) ringAfter(ctx context.Context) error {
	if err := q.Ring(ctx); !errors.Is(err, contact.ErrTrouble) {
		return err
	}
	return nil
}

// ClaimIDs takes the named contacts whatever their status, and while an operator
// holds the destination, too, but for those that are in flight or locked by
// somebody. It rings, so that the leaders know of a
// claim that they would have to rescue.
func (q *Queue) ClaimIDs(ctx context.Context, ids []string) (contact.Batch, error) {
	taken, err := q.take(ctx, q.claimIDsSQL, ids, q.opt.Slot, q.numbers[0], q.opt.Destination, false)
	if err != nil || len(taken.Contacts) == 0 {
		return contact.Batch{}, err
	}
	q.begin(taken)
	return taken, q.ringAfter(ctx)
}

// begin notes that a cycle is in flight.
func (q *Queue) begin(taken contact.Batch) {
	q.active = append(q.active, taken.Cycle)
	q.numbers = q.numbers[1:]
}

// drawNumber draws the number of a later claim, in a round trip that is made
// anyway.
func (q *Queue) drawNumber(batch *pgx.Batch) {
	const next = `SELECT nextval(pg_get_serial_sequence('contactsync.cycles', 'id'))`
	batch.Queue(next).QueryRow(func(row pgx.Row) error {
		var number int64
		err := row.Scan(&number)
		if err == nil {
			q.numbers = append(q.numbers, number)
		}
		return err
	})
}

// take runs a claim.
func (q *Queue) take(ctx context.Context, sql string, args ...any) (contact.Batch, error) {
	taken := contact.Batch{Cycle: q.numbers[0]}
	asked := q.alive.ask()
	disarm := q.bell != bellFree
	if disarm {
		q.bell = bellUnsure
	}
	err := q.do(ctx, "claim", func(ctx context.Context, conn *pgx.Conn) error {
		batch := &pgx.Batch{}
		if disarm {
			batch.Queue(disarmSQL, lockClass, doorbell)
		}
		batch.Queue(sql, args...).Query(func(rows pgx.Rows) error {
			var err error
			taken.Contacts, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (contact.Contact, error) {
				var c contact.Contact
				var updated *time.Time
				err := row.Scan(&c.ID, &c.Email, &c.Name, &c.Phone, &c.DomainID, &c.PageID,
					&updated, &taken.ClaimedAt, &c.Version, &c.Further, &c.TraceParent)
				if updated != nil {
					c.UpdatedAt = *updated
				}
				return c, err
			})
			return err
		})
		if len(q.numbers) < 2 { // this claim's is used up where it takes something
			q.drawNumber(batch)
		}
		return conn.SendBatch(ctx, batch).Close()
	})
	if err != nil {
		return contact.Batch{}, err
	}
	q.bell = bellFree
	if len(taken.Contacts) > 0 {
		q.alive.claimed(taken.Cycle, asked)
	}
	return taken, nil
}

//go:embed touch.sql
var touchSQL string

// Touch keeps the claims of cycles from counting as dead. It is called every
// few seconds while their requests are under way.
func (q *Queue) Touch(ctx context.Context, cycles ...int64) error {
	asked := q.alive.ask()
	err := q.do(ctx, "touch", func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, touchSQL, q.opt.Destination, cycles)
		return err
	})
	if err == nil {
		for _, cycle := range cycles {
			q.alive.touched(cycle, asked)
		}
	}
	return err
}
