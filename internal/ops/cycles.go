package ops

import (
	"context"
	_ "embed" // the statement
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

//go:embed cycles.sql
var cyclesSQL string

// LastCycles answers the cycles that ended last, newest first.
func (d *Desk) LastCycles(ctx context.Context, destination string, most int) ([]Cycle, error) {
	rows, err := d.pool.Query(ctx, cyclesSQL, destination, most)
	if err != nil {
		return nil, fmt.Errorf("list the cycles: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Cycle])
	if err != nil {
		return nil, fmt.Errorf("list the cycles: %w", err)
	}
	return list, nil
}
