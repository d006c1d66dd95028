package queue

import (
	"context"
	_ "embed" // the statements
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/scrapersky/contactsync/internal/contact"
)

// asideFor is how long a row is left alone that can be neither claimed nor ended
// in Error.
const asideFor = time.Minute

// maxAside bounds how many rows are left alone at a time.
const maxAside = 1000

//go:embed candidates.sql
var candidatesSQL string

//go:embed refuse.sql
var refuseSQL string

// aside is the rows that the database refuses to let be claimed: an app's own
// trigger or constraint is against it. They must not keep the others waiting.
type aside struct {
	timer map[string]*time.Timer // fires when the row may be tried again
}

func (a *aside) add(id string) {
	if a.timer == nil {
		a.timer = map[string]*time.Timer{}
	}
	if len(a.timer) < maxAside {
		a.timer[id] = time.NewTimer(asideFor)
	}
}

// ids are the rows to leave alone now; never nil, which SQL takes for NULL.
func (a *aside) ids() []string {
	ids := []string{}
	for id, timer := range a.timer {
		select {
		case <-timer.C:
			delete(a.timer, id)
		default:
			ids = append(ids, id)
		}
	}
	return ids
}

// refused says whether the database answered and refused the statement, on a
// connection that lives on.
func refused(ctx context.Context, err error) bool {
	_, answered := errors.AsType[*pgconn.PgError](err)
	return answered && ctx.Err() == nil
}

// claimSingly claims what a claim of the whole batch was refused for, one row
// after the other. A row that is refused by itself ends in Error with the
// database's reason; where even that is refused, it is left alone for a minute.
func (q *Queue) claimSingly(ctx context.Context, limit int) (contact.Batch, error) {
	var ids []string
	err := q.do(ctx, "look for claimable contacts", func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, candidatesSQL, limit, q.opt.Destination, q.aside.ids())
		if err != nil {
			return err
		}
		ids, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	if err != nil {
		return contact.Batch{}, err
	}
	var taken contact.Batch
	for _, id := range ids {
		one, err := q.take(ctx, claimIDsSQL, []string{id}, q.opt.Slot, q.cycle, q.opt.Destination, true)
		switch {
		case err == nil:
			taken.Cycle, taken.ClaimedAt = one.Cycle, one.ClaimedAt
			taken.Contacts = slices.Concat(taken.Contacts, one.Contacts)
		case refused(ctx, err):
			if err := q.refuse(ctx, id, err); err != nil {
				return taken, err
			}
		default:
			return taken, err
		}
	}
	return taken, nil
}

// refuse ends a row in Error that cannot be claimed.
func (q *Queue) refuse(ctx context.Context, id string, why error) error {
	err := q.do(ctx, "refuse a contact", func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, refuseSQL, id, printable("The database refuses to let this contact be processed: "+why.Error()))
		return err
	})
	if err == nil || !refused(ctx, err) {
		return err
	}
	q.aside.add(id)
	return nil
}
