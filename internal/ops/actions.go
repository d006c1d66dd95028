package ops

import (
	"context"
	_ "embed" // the statements
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
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
	DidPause   Verb = "pause"  // recorded by Pause itself
	DidResume  Verb = "resume" // recorded by Resume itself
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

var (
	//go:embed action_record.sql
	actionRecordSQL string
	//go:embed actions.sql
	actionsSQL string
)

// Record notes what a person did. It is kept for 30 days.
func (d *Desk) Record(ctx context.Context, a Action) error {
	_, err := d.pool.Exec(ctx, actionRecordSQL, a.Who, d.via, a.Action, a.ContactID, a.Detail, a.Rows)
	if err != nil {
		return fmt.Errorf("record the %s: %w", a.Action, err)
	}
	return nil
}

// Actions answers what people did last, newest first: with one contact, or with
// all when the id is empty.
func (d *Desk) Actions(ctx context.Context, contactID string, most int) ([]Action, error) {
	rows, err := d.pool.Query(ctx, actionsSQL, contactID, most)
	if err != nil {
		return nil, fmt.Errorf("list the actions: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Action])
	if err != nil {
		return nil, fmt.Errorf("list the actions: %w", err)
	}
	return list, nil
}
