package doctor

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/ops"
	"github.com/scrapersky/contactsync/internal/queue"
)

// try claims and settles some contacts as a worker does, in a transaction that is rolled
// back: only so it shows what the app has put on its table against that.
func (d Database) try(ctx context.Context) Finding {
	var trial queue.Trial
	err := d.onDirect(ctx, func(conn *pgx.Conn) error {
		target, err := d.target(ctx, conn)
		if err != nil {
			return err
		}
		trial, err = queue.Try(ctx, conn, target)
		return err
	})
	switch {
	case err != nil:
		return d.broken(err)
	case len(trial.Refused) > 0:
		first := trial.Refused[0]
		by := ""
		if first.Source != "" {
			by = ", by " + first.Source
		}
		return fail("let the worker's role write there: its sessions have contactsync.worker = 'on' and set nothing of the app's; "+againWhenMended,
			"%d of %s refused, contact %s%s: %s", len(trial.Refused), ops.Count(len(trial.Tried), "contact that was tried is", "contacts that were tried are"),
			first.ID, by, strings.TrimSpace(first.Why))
	case len(trial.Tried) == 0:
		return fine("there is no contact to try")
	}
	return fine("%s claimed and settled, in a transaction that was rolled back",
		ops.Count(len(trial.Tried), "contact could be", "contacts could be"))
}
