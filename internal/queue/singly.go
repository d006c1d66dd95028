package queue

import (
	"context"
	_ "embed" // the statements
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/scrapersky/contactsync/internal/contact"
)

//go:embed candidates.sql
var candidatesSQL string

//go:embed refuse.sql
var refuseSQL string

// trustedTries is how many claims in a row may meet the database's trouble before
// it is asked whether one row is the trouble: a page that cannot be read, a trigger
// that takes for ever. The caller waits ever longer between them, so that this is
// after about 10 s.
const trustedTries = 8

// refused says whether the database answered and refused the statement, for what
// may be some of its rows, on a connection that lives on.
func refused(ctx context.Context, err error) bool {
	answer, answered := errors.AsType[*pgconn.PgError](err)
	return answered && ctx.Err() == nil && !unfit(answer)
}

// unfit says that the statement itself does not fit the table any more: an app has
// dropped a column that is mapped, for one. No row is to blame for that. What a
// trigger complains of has a context.
func unfit(answer *pgconn.PgError) bool {
	const syntaxOrAccess = "42"
	return strings.HasPrefix(answer.Code, syntaxOrAccess) && answer.Where == ""
}

// claimSingly claims what a claim of the whole batch was refused for, one row
// after the other. A row that is refused by itself ends in Error with the
// database's reason; where even that is refused, it is left alone for a minute. So
// is one that meets the database's trouble, but only when another row was claimed
// and that one is refused once more: else the trouble is the database's indeed.
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
	var s singly
	for _, id := range ids {
		if err := s.claim(ctx, q, id); err != nil {
			return contact.Batch{}, err // the session is lost, and the claims are its successor's
		}
	}
	if len(s.taken.Contacts) == 0 && s.trouble != nil {
		return contact.Batch{}, s.trouble
	}
	troubled := s.troubled
	s.troubled = nil
	for _, id := range troubled {
		if err := s.claim(ctx, q, id); err != nil {
			return contact.Batch{}, err
		}
	}
	for _, id := range s.troubled {
		q.aside.add(id)
	}
	return s.taken, nil
}

// singly is a claim row by row so far.
type singly struct {
	taken    contact.Batch
	troubled []string // rows that met the database's trouble
	trouble  error    // the last of it
}

// claim claims one row. It fails only when the session is lost.
func (s *singly) claim(ctx context.Context, q *Queue, id string) error {
	one, err := q.take(ctx, q.claimIDsSQL, []string{id}, q.opt.Slot, q.numbers[0], q.opt.Destination, true)
	if refused(ctx, err) && !errors.Is(err, contact.ErrTrouble) {
		err = q.refuse(ctx, id, err)
	}
	switch {
	case errors.Is(err, contact.ErrTrouble):
		s.troubled, s.trouble = append(s.troubled, id), err
	case err != nil:
		return err
	case len(one.Contacts) > 0 && len(s.taken.Contacts) == 0:
		s.taken = one
	default:
		s.taken.Contacts = slices.Concat(s.taken.Contacts, one.Contacts)
	}
	return nil
}

// refuse ends a row in Error that cannot be claimed.
func (q *Queue) refuse(ctx context.Context, id string, why error) error {
	err := q.do(ctx, "refuse a contact", func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, refuseSQL, id, printable("The database refuses to let this contact be processed: "+why.Error()))
		return err
	})
	if refused(ctx, err) && !errors.Is(err, contact.ErrTrouble) {
		q.aside.add(id)
		return nil
	}
	return err
}
