package queue

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// AdoptAfter is how long a row may be Processing without a claim before a leader
// puts it back into the queue.
const AdoptAfter = adoptAfter

// ClaimPlan answers how the server would find the rows of a claim, a line of
// EXPLAIN each, under the settings of a leader. It claims nothing and leaves no
// setting behind.
func ClaimPlan(ctx context.Context, conn *pgx.Conn, destination string) (plan []string, err error) {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return nil, fmt.Errorf("explain a claim: %w", err)
	}
	defer func() { err = errors.Join(err, tx.Rollback(ctx)) }()
	for _, set := range []string{"SET LOCAL enable_seqscan = off", "SET LOCAL jit = off"} {
		if _, err := tx.Exec(ctx, set); err != nil {
			return nil, fmt.Errorf("explain a claim: %w", err)
		}
	}
	rows, err := tx.Query(ctx, "EXPLAIN "+claimSQL, 1, 0, int64(0), destination, []string{})
	if err != nil {
		return nil, fmt.Errorf("explain a claim: %w", err)
	}
	plan, err = pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("explain a claim: %w", err)
	}
	return plan, nil
}
