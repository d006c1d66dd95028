package ops

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
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

// TakeAlerts notes how the installation stands and returns the changes that nobody
// has been told of. They are the caller's to tell for as long as mine says; one that
// is not told by then is returned again, to whichever replica asks.
func (s *Store) TakeAlerts(ctx context.Context, limits AlertLimits, mine time.Duration) ([]Alert, error) {
	known, err := s.source.ready(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for alerts: %w", err)
	}
	noted := s.locks()
	noted["backlog_seconds"], noted["failures"] = limits.BacklogAge.Seconds(), limits.FailuresPerHour
	var changes []Alert
	batch := &pgx.Batch{}
	known.statements.Queue(batch, "note_alerts", noted)
	known.statements.Queue(batch, "take_alerts", pgx.NamedArgs{"destination": s.destination.Name, "seconds": mine.Seconds()}).Query(all(&changes))
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("look for alerts: %w", err)
	}
	return changes, nil
}

// AlertTold notes that somebody was told of a change.
func (s *Store) AlertTold(ctx context.Context, a Alert) error {
	values := pgx.NamedArgs{"destination": s.destination.Name, "kind": a.Kind, "raised": a.Raised}
	if err := s.exec(ctx, "alert_told", values); err != nil {
		return fmt.Errorf("note an alert: %w", err)
	}
	return nil
}
