package ops

import (
	"context"
	_ "embed" // the statements
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/contact"
)

// Card is all that is known of one contact.
type Card struct {
	Row
	Phone, DomainID, PageID string
	LastFailed              *time.Time
	Created                 string     // as the database writes it
	ClaimedAt               *time.Time // in flight since
	Until                   *time.Time // unanswered: not to be sent again before
}

// Contact is what would be sent of it.
func (c Card) Contact() contact.Contact {
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

//go:embed card.sql
var cardSQL string

//go:embed attempts.sql
var attemptsSQL string

// Card answers the contact with an id and its newest failed attempts, or
// ErrNoContact.
func (d *Desk) Card(ctx context.Context, destination, id string, most int) (card Card, attempts []Attempt, err error) {
	if !uuid.MatchString(id) {
		return Card{}, nil, ErrNoContact
	}
	err = d.look(ctx, listPatience, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, cardSQL, id, destination)
		if err != nil {
			return err
		}
		card, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Card])
		if errors.Is(err, pgx.ErrNoRows) {
			return ErrNoContact
		}
		if err != nil {
			return err
		}
		attempts, err = attemptsOf(ctx, tx, id, destination, most)
		return err
	})
	if err != nil {
		return Card{}, nil, fmt.Errorf("read a contact: %w", err)
	}
	return card, attempts, nil
}

func attemptsOf(ctx context.Context, tx pgx.Tx, id any, destination string, most int) ([]Attempt, error) {
	rows, err := tx.Query(ctx, attemptsSQL, id, destination, most)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Attempt])
}

// Kind is a code and the contacts that have it, counted up to MostShown + 1.
type Kind struct {
	Code           contact.Code
	Error, Waiting int64
	Example        string
}

//go:embed kinds.sql
var kindsSQL string

// Trouble answers the contacts that failed, by code, and the newest attempts that
// did. Codes of which there are no contacts are left out.
func (d *Desk) Trouble(ctx context.Context, destination string, most int) (kinds []Kind, attempts []Attempt, err error) {
	err = d.look(ctx, listPatience, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, kindsSQL, contact.Codes(), MostShown+1)
		if err != nil {
			return err
		}
		if kinds, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Kind]); err != nil {
			return err
		}
		attempts, err = attemptsOf(ctx, tx, nil, destination, most)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read the failures: %w", err)
	}
	n := 0
	for _, k := range kinds {
		if k.Error > 0 || k.Waiting > 0 {
			kinds[n] = k
			n++
		}
	}
	return kinds[:n], attempts, nil
}
