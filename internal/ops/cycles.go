package ops

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Cycle is one batch of contacts: claimed, sent and settled.
type Cycle struct {
	ID          int64     `json:"id"`
	Instance    string    `json:"instance"`
	Slot        int       `json:"slot"`
	StartedAt   time.Time `json:"started_at"`
	FinishedAt  time.Time `json:"finished_at"`
	Seconds     float64   `json:"seconds"`
	Claimed     int64     `json:"claimed"`
	Synced      int64     `json:"synced"`
	Created     int64     `json:"created"`
	Retried     int64     `json:"retried"`
	Failed      int64     `json:"failed"`
	Released    int64     `json:"released"`
	Recovered   int64     `json:"recovered"` // synced although a retry had been needed
	Requests    int64     `json:"requests"`
	ThrottledMS int64     `json:"throttled_ms"`
	Unchanged   int64     `json:"unchanged"` // needed no request
}

// LastCycles returns the cycles that ended last, newest first.
func (s *Store) LastCycles(ctx context.Context, most int) ([]Cycle, error) {
	list, err := collect[Cycle](ctx, s, s.pool, "cycles", pgx.NamedArgs{"destination": s.destination.Name, "most": most})
	if err != nil {
		return nil, fmt.Errorf("list the cycles: %w", err)
	}
	return list, nil
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

// Measures adds the cycles of the last hours up.
func (s *Store) Measures(ctx context.Context, hours int) (Measures, error) {
	found, err := collect[Measures](ctx, s, s.pool, "measures", pgx.NamedArgs{"destination": s.destination.Name, "hours": hours})
	if err != nil {
		return Measures{}, fmt.Errorf("add up the cycles: %w", err)
	}
	return found[0], nil
}
