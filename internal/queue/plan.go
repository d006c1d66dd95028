package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/statement"
)

// PlannerOff returns the planner's settings that a leader turns off.
func PlannerOff() []string { return slices.Clone(plannerOff) }

// Statements returns the queue's statements as they are without extra columns, for who
// wants to explain one.
func Statements(target statement.Target) statement.Statements { return render(target, nil, false) }

// ClaimPlan returns how the server would find the rows of a claim, a line of
// EXPLAIN each, under the settings of a leader. It claims nothing and leaves no
// setting behind.
func ClaimPlan(ctx context.Context, conn *pgx.Conn, target statement.Target) (plan []string, err error) {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return nil, fmt.Errorf("explain a claim: %w", err)
	}
	defer func() { err = errors.Join(err, tx.Rollback(ctx)) }()
	for _, setting := range plannerOff {
		if _, err := tx.Exec(ctx, "SET LOCAL "+setting+" = off"); err != nil {
			return nil, fmt.Errorf("explain a claim: %w", err)
		}
	}
	claim := Statements(target).Named("claim")
	rows, err := tx.Query(ctx, "EXPLAIN "+claim.SQL, claim.Args(pgx.NamedArgs{
		"most": 1, "destination": target.Destination.Name, "slot": 0, "cycle": int64(0), "dead_after": 0.0,
	})...)
	if err != nil {
		return nil, fmt.Errorf("explain a claim: %w", err)
	}
	plan, err = pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("explain a claim: %w", err)
	}
	return plan, nil
}
