package ops

import (
	"context"
	_ "embed" // the statements
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/contact"
)

var (
	//go:embed hold.sql
	holdSQL string
	//go:embed hold_end.sql
	holdEndSQL string
	//go:embed hold_read.sql
	holdReadSQL string
)

// Pause keeps every replica from claiming anything for a destination, from the
// moment on in which it returns: what is in flight is finished, contacts stay
// queued. It answers whether it was paused already, by whom and why stays as it was
// then. A pause is recorded among the actions.
func (d *Desk) Pause(ctx context.Context, destination, who, reason string) (already bool, err error) {
	var rung bool
	if err := d.pool.QueryRow(ctx, holdSQL, destination, who, reason, d.via).Scan(&already, &rung); err != nil {
		return false, fmt.Errorf("pause: %w", err)
	}
	return already, nil
}

// Resume ends a pause and wakes the leaders. It answers whether there was one. It
// is recorded among the actions.
func (d *Desk) Resume(ctx context.Context, destination, who string) (was bool, err error) {
	var rung bool
	if err := d.pool.QueryRow(ctx, holdEndSQL, destination, who, d.via).Scan(&was, &rung); err != nil {
		return false, fmt.Errorf("resume: %w", err)
	}
	return was, nil
}

// Hold answers who has paused a destination, nil when nobody has.
func (d *Desk) Hold(ctx context.Context, destination string) (*contact.Hold, error) {
	rows, err := d.pool.Query(ctx, holdReadSQL, destination)
	if err != nil {
		return nil, fmt.Errorf("look for a pause: %w", err)
	}
	hold, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByPos[contact.Hold])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // no hold is an answer
	}
	if err != nil {
		return nil, fmt.Errorf("look for a pause: %w", err)
	}
	return hold, nil
}
