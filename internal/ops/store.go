// Package admin is the contacts table as people work with it: how the queue
// stands, which contacts failed and why, and putting contacts into it. Its
// connections are an app's, not a worker's: what it queues is a fresh request
// and rings, as if an app had done it.
package ops

import (
	"context"
	_ "embed" // the statements
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// pageSize is how many rows one statement touches, so that no lock is held for
// long and progress can be shown.
const pageSize = 1000

// Desk works on one database.
type Desk struct {
	pool *pgxpool.Pool
	via  Via
}

// New makes a desk for a terminal; the pool stays the caller's.
func New(pool *pgxpool.Pool) *Desk { return &Desk{pool: pool, via: Terminal} }

// Via is the same desk, with what people do there recorded as done elsewhere.
func (d *Desk) Via(via Via) *Desk { return &Desk{pool: d.pool, via: via} }

//go:embed find.sql
var findSQL string

// Contact is a contact as people name it.
type Contact struct {
	ID    string
	Email string // trimmed and folded
}

// Find answers the contacts that have one of the emails; upper and lower case
// and blanks around them make no difference.
func (d *Desk) Find(ctx context.Context, emails []string) ([]Contact, error) {
	rows, err := d.pool.Query(ctx, findSQL, emails)
	if err != nil {
		return nil, fmt.Errorf("find contacts: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Contact])
	if err != nil {
		return nil, fmt.Errorf("find contacts: %w", err)
	}
	return found, nil
}

//go:embed select_status.sql
var selectStatusSQL string

// WithStatus calls work with page after page of the ids whose
// hubspot_sync_status is the given one and that are not in the queue already.
func (d *Desk) WithStatus(ctx context.Context, status string, work func(ids []string) error) error {
	return d.pages(ctx, work, selectStatusSQL, status)
}

//go:embed count_status.sql
var countStatusSQL string

// CountStatus answers how many contacts WithStatus would give.
func (d *Desk) CountStatus(ctx context.Context, status string) (int, error) {
	return d.count(ctx, countStatusSQL, status)
}

//go:embed select_failed.sql
var selectFailedSQL string

// Failed calls work with page after page of the contacts in Error; of those
// with the code alone, unless it is empty.
func (d *Desk) Failed(ctx context.Context, code string, work func(ids []string) error) error {
	return d.pages(ctx, work, selectFailedSQL, code)
}

//go:embed count_failed.sql
var countFailedSQL string

// CountFailed answers how many contacts Failed would give.
func (d *Desk) CountFailed(ctx context.Context, code string) (int, error) {
	return d.count(ctx, countFailedSQL, code)
}

//go:embed only_failed.sql
var onlyFailedSQL string

// OnlyFailed answers which of the ids are in Error.
func (d *Desk) OnlyFailed(ctx context.Context, ids []string) ([]string, error) {
	return d.texts(ctx, "look for failed contacts", onlyFailedSQL, ids)
}

// pages walks a selection by key, so that a million rows need no long
// transaction and rows that change meanwhile are not met twice.
func (d *Desk) pages(ctx context.Context, work func(ids []string) error, sql, filter string) error {
	after := FirstID
	for {
		ids, err := d.texts(ctx, "select contacts", sql, filter, after, pageSize)
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			return nil
		}
		if err := work(ids); err != nil {
			return err
		}
		after = ids[len(ids)-1]
	}
}

func (d *Desk) texts(ctx context.Context, what, sql string, args ...any) ([]string, error) {
	rows, err := d.pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return texts, nil
}

func (d *Desk) count(ctx context.Context, sql string, args ...any) (n int, err error) {
	if err := d.pool.QueryRow(ctx, sql, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("count contacts: %w", err)
	}
	return n, nil
}
