package queue

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/contact"
)

// trustedTries is how many claims in a row may meet the database's trouble before
// it is asked whether one row is the trouble: a page that cannot be read, a trigger
// that takes for ever. The caller waits ever longer between them, so that this is
// after about 10 s.
const trustedTries = 8

// claimOneByOne claims what a claim of the whole batch was refused for, one row
// after the other. A row that is refused by itself ends in Error with the
// database's reason; where even that is refused, it is left alone for a minute. So
// is one that meets the database's trouble, but only when another row was claimed
// and that one is refused once more: else the trouble is the database's indeed.
func (q *Queue) claimOneByOne(ctx context.Context, most int) (contact.Batch, error) {
	ids, err := q.candidates(ctx, most)
	if err != nil {
		return contact.Batch{}, err
	}
	var s oneByOne
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
	if len(s.troubled) > 0 {
		err = q.leaveAlone(ctx, refusalOf(stageClaim, s.trouble), s.trouble, s.troubled...)
	}
	if len(s.taken.Contacts) > 0 {
		err = nil // they are claimed, whether or not that could be noted
	}
	return s.taken, err
}

// candidates returns what a claim would take.
func (q *Queue) candidates(ctx context.Context, most int) (ids []string, err error) {
	err = q.do(ctx, "look for claimable contacts", func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := q.sql.Query(ctx, conn, "candidates", pgx.NamedArgs{
			"destination": q.name, "most": most,
		})
		if err != nil {
			return err
		}
		ids, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return ids, err
}

// oneByOne is what a claim row by row has come to so far.
type oneByOne struct {
	taken    contact.Batch
	troubled []string // rows that met the database's trouble
	trouble  error    // the last of it
}

// claim claims one row. It fails only when the session is lost.
func (s *oneByOne) claim(ctx context.Context, q *Queue, id string) error {
	one, err := q.takeIDs(ctx, []string{id}, true)
	if refused(ctx, err) {
		err = q.reject(ctx, id, err)
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

// reject ends a row in Error that cannot be claimed.
func (q *Queue) reject(ctx context.Context, id string, why error) error {
	err := q.do(ctx, "reject a contact", func(ctx context.Context, conn *pgx.Conn) error {
		return q.sql.Exec(ctx, conn, "reject", pgx.NamedArgs{
			"id": id, "why": printable("The database refuses to let this contact be processed: " + why.Error()),
		})
	})
	switch {
	case refused(ctx, err):
		return q.leaveAlone(ctx, refusalOf(stageClaim, why), why, id)
	case err != nil:
		return err
	}
	q.setAside++
	_, err = q.notice(ctx, refusalOf(stageClaim, why), why, id, 0)
	return err
}
