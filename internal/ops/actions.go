package ops

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination"
)

// Via is where a person did something.
type Via string

// The places.
const (
	Terminal  Via = "terminal"
	Dashboard Via = "dashboard"
)

// Verb is what a person did. The list is closed.
type Verb string

// The verbs.
const (
	DidQueue   Verb = "queue"
	DidRetry   Verb = "retry"
	DidSkip    Verb = "skip"
	DidSendNow Verb = "send-now"
	DidSync    Verb = "sync"
	DidPause   Verb = "pause"   // recorded by Pause itself
	DidResume  Verb = "resume"  // recorded by Resume itself
	DidAccount Verb = "account" // recorded by SetAccount itself
)

// Action is something that a person did.
type Action struct {
	ID        int64     `json:"id"` // ID, At and Via are set by Record
	At        time.Time `json:"at"`
	Who       string    `json:"who"`
	Via       Via       `json:"via"`
	Action    Verb      `json:"action"`
	ContactID string    `json:"contact_id,omitempty"` // empty where it was about several, or none
	Detail    string    `json:"detail,omitempty"`     // for people: a code, a reason
	Rows      int       `json:"rows"`                 // how many contacts it changed
}

// Record notes what a person did. It is kept for 30 days.
func (s *Store) Record(ctx context.Context, a Action) error {
	err := s.exec(ctx, "record_action", pgx.NamedArgs{
		"destination": s.destination.Name, "who": a.Who, "via": s.via, "action": a.Action, "contact": a.ContactID, "detail": a.Detail, "rows": a.Rows,
	})
	if err != nil {
		return fmt.Errorf("record the %s: %w", a.Action, err)
	}
	return nil
}

// Actions returns what people did last, newest first: with one contact, or with
// all when the id is empty.
func (s *Store) Actions(ctx context.Context, contactID string, most int) ([]Action, error) {
	list, err := collect[Action](ctx, s, s.pool, "actions", pgx.NamedArgs{"destination": s.destination.Name, "contact": contactID, "most": most})
	if err != nil {
		return nil, fmt.Errorf("list the actions: %w", err)
	}
	return list, nil
}

// Pause keeps every replica from claiming anything for the destination, from the
// moment on in which it returns: what is in flight is finished, contacts stay
// queued. It reports whether it was paused already; by whom and why stays as it was
// then. A pause is recorded among the actions.
func (s *Store) Pause(ctx context.Context, who, reason string) (already bool, err error) {
	var rung bool
	values := pgx.NamedArgs{"destination": s.destination.Name, "who": who, "reason": reason, "via": s.via, "channel": destination.Channel}
	if err := s.one(ctx, s.pool, "pause", values, &already, &rung); err != nil {
		return false, fmt.Errorf("pause: %w", err)
	}
	return already, nil
}

// Resume ends a pause and wakes the leaders. It reports whether there was one. It
// is recorded among the actions.
func (s *Store) Resume(ctx context.Context, who string) (was bool, err error) {
	var rung bool
	values := pgx.NamedArgs{"destination": s.destination.Name, "who": who, "via": s.via, "channel": destination.Channel}
	if err := s.one(ctx, s.pool, "resume", values, &was, &rung); err != nil {
		return false, fmt.Errorf("resume: %w", err)
	}
	return was, nil
}

// SetAccount has contacts synced to an account of the destination from now on, and
// returns which one it was before; empty where none was known. A replica that paused
// for it goes on at its next probe, within five minutes. It is recorded among the
// actions.
func (s *Store) SetAccount(ctx context.Context, account, who string) (before string, err error) {
	var rung bool
	values := pgx.NamedArgs{"destination": s.destination.Name, "account": account, "who": who, "via": s.via, "channel": destination.Channel}
	if err := s.one(ctx, s.pool, "set_account", values, &before, &rung); err != nil {
		return "", fmt.Errorf("set the account: %w", err)
	}
	return before, nil
}

// ForgetSent has contacts sent again although they are unchanged, and returns of how
// many emails it was remembered what was sent. It is recorded among the actions.
func (s *Store) ForgetSent(ctx context.Context, who string) (emails int64, err error) {
	values := pgx.NamedArgs{"destination": s.destination.Name, "who": who, "via": s.via}
	if err := s.one(ctx, s.pool, "forget_sent", values, &emails); err != nil {
		return 0, fmt.Errorf("forget what was sent: %w", err)
	}
	return emails, nil
}

// Hold returns who has paused the destination, nil when nobody has.
func (s *Store) Hold(ctx context.Context) (*contact.Pause, error) {
	holds, err := collect[contact.Pause](ctx, s, s.pool, "hold", s.named())
	if err != nil {
		return nil, fmt.Errorf("look for a pause: %w", err)
	}
	if len(holds) == 0 {
		return nil, nil //nolint:nilnil // no hold is an answer
	}
	return &holds[0], nil
}
