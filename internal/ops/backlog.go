package ops

import (
	"context"
	_ "embed" // the statement
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/database"
)

// MostCounted is where Backlog stops counting, so that a queue of any size costs a
// look no more than one of this size.
const MostCounted = 1_000_000

// Backlog is how the installation stands, for a machine that looks every few
// seconds.
type Backlog struct {
	// Contacts by where they stand, at most MostCounted each. Due could be claimed
	// now; Waiting are Queued for later.
	Due, Waiting, Processing, Error int64

	InFlight    int64 // claimed now
	Quarantined int64 // unanswered requests that may still take effect

	OldestDueSeconds float64 // 0 when nothing is due
	Led              int64   // slots that somebody leads
	Replicas         int64   // processes that have told of themselves within a minute
	Held             bool    // an operator has paused the sync
	Connections      int64   // of all processes to this database
}

//go:embed backlog.sql
var backlogSQL string

// Backlog looks at the installation.
func (d *Desk) Backlog(ctx context.Context, destination string) (Backlog, error) {
	rows, err := d.pool.Query(ctx, backlogSQL, destination, MostCounted, database.LockClass, database.SlotLock(0))
	if err != nil {
		return Backlog{}, fmt.Errorf("look at the backlog: %w", err)
	}
	b, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Backlog])
	if err != nil {
		return Backlog{}, fmt.Errorf("look at the backlog: %w", err)
	}
	return b, nil
}
