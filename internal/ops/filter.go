package ops

import (
	"context"
	_ "embed" // the statements
	"fmt"
)

// FirstID comes before every contact's id.
const FirstID = "00000000-0000-0000-0000-000000000000"

var (
	//go:embed select_all.sql
	selectAllSQL string
	//go:embed count_all.sql
	countAllSQL string
	//go:embed due.sql
	dueSQL string
)

// All answers the ids of at most so many contacts after an id, in order: of those
// that have an email, were not skipped by a person, and neither are in the queue
// nor in flight.
func (d *Desk) All(ctx context.Context, after string, most int) ([]string, error) {
	return d.texts(ctx, "select contacts", selectAllSQL, after, most)
}

// CountAll answers how many contacts All would give.
func (d *Desk) CountAll(ctx context.Context, after string) (int, error) {
	return d.count(ctx, countAllSQL, after)
}

// AnyDue says whether contacts are due that nobody works on yet.
func (d *Desk) AnyDue(ctx context.Context) (due bool, err error) {
	if err := d.pool.QueryRow(ctx, dueSQL).Scan(&due); err != nil {
		return false, fmt.Errorf("look into the queue: %w", err)
	}
	return due, nil
}
