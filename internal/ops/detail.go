package ops

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/contact"
)

// ContactDetail is all that is known of one contact.
type ContactDetail struct {
	ID, Email, Name            string
	SyncStatus, Status         string // what a person decided, and where it is in the queue
	Code, Error                string // of the last failure
	RemoteID                   string
	Tries                      int // failed attempts since it was queued
	NextTry, SyncedAt, Updated *time.Time
	Phone, DomainID, PageID    string
	LastFailed                 *time.Time
	Created                    string     // as the database writes it
	ClaimedAt                  *time.Time // in flight since
	Until                      *time.Time // unanswered: not to be sent again before
}

// Contact is what would be sent of it.
func (c ContactDetail) Contact() contact.Contact {
	return contact.Contact{ID: c.ID, Email: c.Email, Name: c.Name, Phone: c.Phone, DomainID: c.DomainID, PageID: c.PageID}
}

// Attempt is one that failed.
type Attempt struct {
	ContactID, Email string
	At               time.Time
	Attempt          int
	Code             contact.Code
	HTTPStatus       int // 0 when no answer came
	Message          string
	CorrelationID    string
	Instance         string // who tried
}

// ErrNoContact says that no contact has the id.
var ErrNoContact = errors.New("no contact has this id")

// Detail returns the contact with an id and its newest failed attempts, or
// ErrNoContact.
func (s *Store) Detail(ctx context.Context, id string, most int) (found ContactDetail, attempts []Attempt, err error) {
	as, err := s.IDs(ctx)
	if err != nil {
		return ContactDetail{}, nil, fmt.Errorf("read a contact: %w", err)
	}
	id, is := as.Parse(id)
	if !is {
		return ContactDetail{}, nil, ErrNoContact
	}
	err = s.read(ctx, listLimit, func(tx pgx.Tx) error {
		list, err := s.details(ctx, tx, []string{id})
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return ErrNoContact
		}
		found = list[0]
		attempts, err = s.attempts(ctx, tx, id, most)
		return err
	})
	if err != nil {
		return ContactDetail{}, nil, fmt.Errorf("read a contact: %w", err)
	}
	return found, attempts, nil
}

func (s *Store) details(ctx context.Context, tx pgx.Tx, ids []string) ([]ContactDetail, error) {
	return collect[ContactDetail](ctx, s, tx, "details", pgx.NamedArgs{"ids": ids, "destination": s.destination.Name})
}

// attempts returns the newest failed attempts of a contact; an empty id is all of them.
func (s *Store) attempts(ctx context.Context, tx pgx.Tx, id string, most int) ([]Attempt, error) {
	return collect[Attempt](ctx, s, tx, "attempts", pgx.NamedArgs{"contact": textOrNull(id), "destination": s.destination.Name, "most": most})
}

// Attempts returns the newest failed attempts of all contacts.
func (s *Store) Attempts(ctx context.Context, most int) (attempts []Attempt, err error) {
	err = s.read(ctx, listLimit, func(tx pgx.Tx) error {
		attempts, err = s.attempts(ctx, tx, "", most)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the failed attempts: %w", err)
	}
	return attempts, nil
}

// CodeCount is a code and the contacts that failed with it.
type CodeCount struct {
	Code    contact.Code `json:"code"`
	Error   int64        `json:"error"`
	Waiting int64        `json:"waiting"` // for a retry
	Example *string      `json:"example"` // the destination's words about one of them
}

// FailuresByCode returns the contacts that failed, by code, those in Error first. Each
// count ends at the bound, and the server ends the statement after 2 s then; 0 counts
// all of them, however long that takes.
func (s *Store) FailuresByCode(ctx context.Context, bound int64) (counts []CodeCount, err error) {
	limit := listLimit
	if bound == 0 {
		limit = 0
	}
	err = s.read(ctx, limit, func(tx pgx.Tx) error {
		counts, err = collect[CodeCount](ctx, s, tx, "failures_by_code", pgx.NamedArgs{"bound": upTo(bound)})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("count the failures: %w", err)
	}
	return counts, nil
}
