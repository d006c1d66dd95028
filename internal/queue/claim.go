package queue

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/contact"
)

// settingAside bounds how often a claim goes on that finds only rows which are refused.
const settingAside = 100

// Claim takes a share of the contacts that are due; none while an operator holds
// the destination. It first gives the doorbell back, in the same round trip: a
// consumer at work need not be woken. A row that the database does not let be
// claimed costs the others nothing: a claim that only set such rows aside goes on,
// or those behind them would wait for as many claims as there are.
func (q *Queue) Claim(ctx context.Context, share contact.Share) (taken contact.Batch, err error) {
	for range settingAside {
		before := q.setAside
		taken, err = q.claimShare(ctx, share)
		if err != nil || len(taken.Contacts) > 0 || q.setAside == before {
			break
		}
	}
	if err == nil {
		q.tries = 0
		q.forgetTrouble(ctx)
	}
	if err != nil || len(taken.Contacts) == 0 {
		return contact.Batch{}, err
	}
	q.begin(taken)
	if q.opt.Slots > 1 && len(taken.Contacts) == share.Most {
		err = q.ringAfter(ctx)
	}
	return taken, err
}

// claimShare runs the claim once, and row by row where the database refuses it.
func (q *Queue) claimShare(ctx context.Context, share contact.Share) (contact.Batch, error) {
	limit, statement, args := share.Most, "claim", pgx.NamedArgs{
		"most": share.Most, "destination": q.name, "slot": q.opt.Slot, "cycle": q.numbers[0], "dead_after": q.deadAfter(),
	}
	if share != contact.InOrder(limit) {
		statement, args["retries"], args["newest"] = "claim_spread", share.Retries, share.Newest
	}
	taken, err := q.take(ctx, statement, args)
	switch {
	case errors.Is(err, contact.ErrTrouble):
		if q.tries++; q.tries > trustedTries {
			taken, err = q.claimOneByOne(ctx, limit)
		}
		if errors.Is(err, contact.ErrTrouble) && q.tries > 1 { // a deadlock, for one, is over by then
			q.noticeTrouble(ctx, err)
		}
	case refused(ctx, err):
		taken, err = q.claimOneByOne(ctx, limit)
	}
	return taken, err
}

// ringAfter rings after a claim, which stands whether or not the database is in
// trouble now: a leader that is not rung looks again by itself.
func (q *Queue) ringAfter(ctx context.Context) error {
	if err := q.Ring(ctx); !errors.Is(err, contact.ErrTrouble) {
		return err
	}
	return nil
}

// ClaimIDs takes the named contacts whatever their status, also while an operator
// holds the destination, but for those that are in flight or locked by somebody. It
// rings, so that the leaders know of a claim that they would have to rescue.
func (q *Queue) ClaimIDs(ctx context.Context, ids []string) (contact.Batch, error) {
	err := q.do(ctx, "lift refusals", func(ctx context.Context, conn *pgx.Conn) error {
		return q.sql.Exec(ctx, conn, "lift", pgx.NamedArgs{"ids": ids, "destination": q.name})
	})
	if err != nil {
		return contact.Batch{}, err
	}
	taken, err := q.takeIDs(ctx, ids, false)
	if err != nil || len(taken.Contacts) == 0 {
		return contact.Batch{}, err
	}
	q.begin(taken)
	return taken, q.ringAfter(ctx)
}

// takeIDs claims the named contacts. Obey says whether an operator's hold keeps them
// back.
func (q *Queue) takeIDs(ctx context.Context, ids []string, obey bool) (contact.Batch, error) {
	return q.take(ctx, "claim_ids", pgx.NamedArgs{
		"ids": ids, "obey": obey,
		"destination": q.name, "slot": q.opt.Slot, "cycle": q.numbers[0], "dead_after": q.deadAfter(),
	})
}

// begin notes that a cycle is in flight.
func (q *Queue) begin(taken contact.Batch) {
	q.active = append(q.active, taken.Cycle)
	q.numbers = q.numbers[1:]
}

// drawNumber draws the number of a later claim, in a round trip that is made
// anyway.
func (q *Queue) drawNumber(batch *pgx.Batch) {
	q.sql.Queue(batch, "draw_number", nil).QueryRow(func(row pgx.Row) error {
		var number int64
		err := row.Scan(&number)
		if err == nil {
			q.numbers = append(q.numbers, number)
			q.opt.Seen.note(number)
		}
		return err
	})
}

// take runs one of the claims. A row that a trigger skips is left alone.
func (q *Queue) take(ctx context.Context, claim string, args pgx.NamedArgs) (contact.Batch, error) {
	taken := contact.Batch{Cycle: q.numbers[0]}
	var skipped []string
	asked := q.age.ask()
	disarm := q.bell != bellFree
	if disarm {
		q.bell = bellUnsure
	}
	err := q.do(ctx, "claim", func(ctx context.Context, conn *pgx.Conn) error {
		batch := &pgx.Batch{}
		if disarm {
			q.sql.Queue(batch, "unlock", q.doorbell())
		}
		q.sql.Queue(batch, claim, args).Query(func(rows pgx.Rows) (err error) {
			taken.Contacts, skipped, err = scanTaken(rows, &taken.ClaimedAt)
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
	for i := range taken.Contacts {
		taken.Contacts[i].KeyedByID = q.opt.Target.Destination.KeyedByID
	}
	if len(taken.Contacts) > 0 {
		q.age.claimed(taken.Cycle, asked)
	}
	if len(skipped) > 0 {
		err = q.leaveAlone(ctx, vetoed, nil, skipped...)
	}
	if len(taken.Contacts) > 0 {
		err = nil // the others are claimed; of those that are skipped the claims will count as dead
	}
	return taken, err
}

// scanTaken reads what the fragment take returns: the contacts, and the ids of those
// that were vetoed.
func scanTaken(rows pgx.Rows, claimedAt *time.Time) (list []contact.Contact, skipped []string, err error) {
	defer rows.Close()
	for rows.Next() {
		c, vetoed, err := scanContact(rows, claimedAt)
		switch {
		case err != nil:
			return nil, nil, err
		case vetoed:
			skipped = append(skipped, c.ID)
		default:
			list = append(list, c)
		}
	}
	return list, skipped, rows.Err()
}

// scanContact reads a row of the fragment take.
func scanContact(row pgx.Rows, claimedAt *time.Time) (c contact.Contact, vetoed bool, err error) {
	var updated *time.Time
	err = row.Scan(&c.ID, &vetoed, &c.Email, &c.Name, &c.Phone, &c.DomainID, &c.PageID,
		&updated, claimedAt, &c.Version, &c.Request, &c.Extra, &c.TraceParent)
	if updated != nil {
		c.UpdatedAt = *updated
	}
	return c, vetoed, err
}

// Touch keeps the claims of cycles from counting as dead. It is called every
// few seconds while their requests are under way.
func (q *Queue) Touch(ctx context.Context, cycles ...int64) error {
	asked := q.age.ask()
	err := q.do(ctx, "touch", func(ctx context.Context, conn *pgx.Conn) error {
		return q.sql.Exec(ctx, conn, "touch", pgx.NamedArgs{"destination": q.name, "cycles": cycles})
	})
	if err == nil {
		for _, cycle := range cycles {
			q.age.touched(cycle, asked)
		}
	}
	return err
}
