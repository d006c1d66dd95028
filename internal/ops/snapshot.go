package ops

import (
	"context"
	_ "embed" // the statements
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/database"
)

// Status is how an installation stands. Its JSON form is what scripts read.
type Status struct {
	At       time.Time     `json:"at"`   // when, by the database's clock
	Hold     *contact.Hold `json:"hold"` // an operator's pause; nil when there is none
	Queue    Queue         `json:"queue"`
	Leaders  []Leader      `json:"leaders"`
	Replicas []Replica     `json:"replicas"`
	Hours    int           `json:"hours"` // what Measures and its rates look back on
	Measures Measures      `json:"measures"`
	Failures []Failure     `json:"failures"`
}

// Queue counts the contacts that are not at rest.
type Queue struct {
	Due              int64      `json:"due"`
	Waiting          int64      `json:"waiting"` // Queued, with a due time in the future
	Processing       int64      `json:"processing"`
	Error            int64      `json:"error"`
	InFlight         int64      `json:"in_flight"`          // claimed now
	Quarantined      int64      `json:"quarantined"`        // unanswered requests that may still take effect
	OldestDueSeconds *float64   `json:"oldest_due_seconds"` // nil when nothing is due
	NextRetryAt      *time.Time `json:"next_retry_at"`
}

// Leader is a process that leads a slot.
type Leader struct {
	Slot        int        `json:"slot"`
	Instance    string     `json:"instance"`
	Since       *time.Time `json:"since"`
	PauseCode   string     `json:"pause_code,omitempty"`
	PauseReason string     `json:"pause_reason,omitempty"`
	PauseSince  *time.Time `json:"pause_since,omitempty"`
	PauseUntil  *time.Time `json:"pause_until,omitempty"`
}

// Measures sums up the cycles of the last hours.
type Measures struct {
	Cycles              int64   `json:"cycles"`
	Contacts            int64   `json:"contacts"`
	Synced              int64   `json:"synced"`
	Created             int64   `json:"created"`
	Retried             int64   `json:"retried"`
	Failed              int64   `json:"failed"`
	Released            int64   `json:"released"`
	Recovered           int64   `json:"recovered"` // synced although a retry had been needed
	Requests            int64   `json:"requests"`
	Unchanged           int64   `json:"unchanged"`           // needed no request
	SecondsPerContact   float64 `json:"seconds_per_contact"` // of the time in which a cycle was under way
	CycleSeconds        float64 `json:"cycle_seconds"`       // mean
	SlowestCycleSeconds float64 `json:"slowest_cycle_seconds"`
}

// What is to be expected of a healthy installation.
const (
	LeastSuccess   = 0.95 // of the attempts, see SuccessRate
	MostRetries    = 0.05 // of the attempts, see RetryRate
	MostPerContact = 2.0  // seconds
)

// SuccessRate is the part of the attempts that synced, 0 to 1; 1 when there was
// none.
func (m Measures) SuccessRate() float64 {
	if attempts := m.Synced + m.Retried + m.Failed; attempts > 0 {
		return float64(m.Synced) / float64(attempts)
	}
	return 1
}

// RetryRate is the part of the attempts that ended in a retry, 0 to 1.
func (m Measures) RetryRate() float64 {
	if attempts := m.Synced + m.Retried + m.Failed; attempts > 0 {
		return float64(m.Retried) / float64(attempts)
	}
	return 0
}

// Failure is a kind of trouble and how many contacts have it.
type Failure struct {
	Code    contact.Code `json:"code"`
	Error   int64        `json:"error"`
	Waiting int64        `json:"waiting"`
	Example *string      `json:"example"`
}

//go:embed status.sql
var statusSQL string

//go:embed leaders.sql
var leadersSQL string

//go:embed measures.sql
var measuresSQL string

//go:embed failures.sql
var failuresSQL string

// Status looks at the installation; its measures at the last hours.
func (d *Desk) Status(ctx context.Context, destination string, hours int) (Status, error) {
	s := Status{Hours: hours, Leaders: []Leader{}, Replicas: []Replica{}, Failures: []Failure{}}
	var holds []contact.Hold
	batch := &pgx.Batch{}
	batch.Queue("SELECT now()").QueryRow(func(row pgx.Row) error { return row.Scan(&s.At) })
	batch.Queue(holdReadSQL, destination).Query(all(&holds))
	batch.Queue(replicasSQL, replicasArgs()...).Query(all(&s.Replicas))
	batch.Queue(statusSQL, destination).Query(one(&s.Queue))
	batch.Queue(leadersSQL, destination, database.LockClass, database.SlotLock(0)).Query(all(&s.Leaders))
	batch.Queue(measuresSQL, destination, hours).Query(one(&s.Measures))
	batch.Queue(failuresSQL).Query(all(&s.Failures))
	if err := d.pool.SendBatch(ctx, batch).Close(); err != nil {
		return Status{}, fmt.Errorf("status: %w", err)
	}
	if len(holds) > 0 {
		s.Hold = &holds[0]
	}
	return s, nil
}

func one[T any](to *T) func(pgx.Rows) error {
	return func(rows pgx.Rows) (err error) {
		*to, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[T])
		return err
	}
}

func all[T any](to *[]T) func(pgx.Rows) error {
	return func(rows pgx.Rows) (err error) {
		*to, err = pgx.CollectRows(rows, pgx.RowToStructByPos[T])
		return err
	}
}
