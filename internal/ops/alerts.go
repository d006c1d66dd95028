package ops

import (
	"context"
	_ "embed" // the statements
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/database"
)

var (
	//go:embed alerts.sql
	alertsSQL string
	//go:embed alerts_take.sql
	alertsTakeSQL string
	//go:embed alerts_told.sql
	alertsToldSQL string
)

// AlertKind is a kind of trouble that people are told of.
type AlertKind string

// The kinds.
const (
	AlertPaused   AlertKind = "paused"   // the account is paused
	AlertHeld     AlertKind = "held"     // an operator has paused the sync
	AlertBacklog  AlertKind = "backlog"  // a contact has been due for too long
	AlertFailures AlertKind = "failures" // too many contacts end in Error
)

// Alert is a change of which somebody has to be told.
type Alert struct {
	Kind    AlertKind
	Raised  bool    // it began; else it ended
	Seconds float64 // since it began
	Detail  string  // of a pause its reason, of a backlog its age in seconds, of failures their number
}

// AlertLimits say what is too much.
type AlertLimits struct {
	BacklogAge      time.Duration
	FailuresPerHour int // 0: any number is fine
}

// TakeAlerts notes how the installation stands and answers the changes that nobody
// has been told of. They are the caller's to tell for as long as mine says; one that
// is not told by then is answered again, to whichever replica asks.
func (d *Desk) TakeAlerts(ctx context.Context, destination string, limits AlertLimits, mine time.Duration) ([]Alert, error) {
	var changes []Alert
	batch := &pgx.Batch{}
	batch.Queue(alertsSQL, destination, database.LockClass, database.SlotLock(0), limits.BacklogAge.Seconds(), limits.FailuresPerHour)
	batch.Queue(alertsTakeSQL, destination, mine.Seconds()).Query(all(&changes))
	if err := d.pool.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("look for alerts: %w", err)
	}
	return changes, nil
}

// AlertTold notes that somebody was told of a change.
func (d *Desk) AlertTold(ctx context.Context, destination string, a Alert) error {
	if _, err := d.pool.Exec(ctx, alertsToldSQL, destination, a.Kind, a.Raised); err != nil {
		return fmt.Errorf("note an alert: %w", err)
	}
	return nil
}
