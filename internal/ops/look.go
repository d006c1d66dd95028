package ops

import (
	"context"
	_ "embed" // the statement
	"fmt"
	"regexp"
	"time"

	"github.com/jackc/pgx/v5"
)

//go:embed look.sql
var lookSQL string

// look reads within a transaction that can do nothing else, and whose statements
// the server itself cuts: a client that only stops listening leaves them at work.
func (d *Desk) look(ctx context.Context, patience time.Duration, read func(tx pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, d.pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lookSQL, patience.Milliseconds()); err != nil {
			return fmt.Errorf("set a deadline: %w", err)
		}
		return read(tx)
	})
}

// uuid is an id as people paste it.
var uuid = regexp.MustCompile(`(?i)^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// IsID says whether a text is the id of some contact.
func IsID(text string) bool { return uuid.MatchString(text) }
