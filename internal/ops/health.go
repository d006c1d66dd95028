package ops

import (
	"context"
	_ "embed" // the statement
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Health is what a healthy queue has none of, and what there is of rows where
// the indexes of the queue should hold them.
type Health struct {
	Orphaned         int64    // Processing for too long, and nobody works on them
	Overdue          int64    // due for too long, and nobody has claimed them
	LastCycleSeconds *float64 // since a cycle with contacts ended; nil: none is remembered

	// The rows of each index of the queue, and of the claims.
	Fresh, Retries, Processing, Failed, Claims int64
}

//go:embed health.sql
var healthSQL string

// Health looks for what stands still: rows that are Processing without a claim
// for longer than orphan, and rows that are due for longer than overdue. Of a fresh
// row without hubspot_queued_at nobody knows since when it waits: it is overdue.
func (d *Desk) Health(ctx context.Context, destination string, orphan, overdue time.Duration) (Health, error) {
	rows, err := d.pool.Query(ctx, healthSQL, destination, orphan.Seconds(), overdue.Seconds())
	if err != nil {
		return Health{}, fmt.Errorf("look for what stands still: %w", err)
	}
	h, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Health])
	if err != nil {
		return Health{}, fmt.Errorf("look for what stands still: %w", err)
	}
	return h, nil
}
