package ops

import (
	"context"
	_ "embed" // the statements
)

//go:embed queue.sql
var queueSQL string

// Queue puts the contacts with these ids into the queue, due at once and with a
// fresh budget of attempts, whatever they wait for, and answers those it found.
func (d *Desk) Queue(ctx context.Context, ids []string) (found []string, err error) {
	return d.texts(ctx, "queue contacts", queueSQL, ids)
}

// RetryFailed queues the contacts in Error, those with the code alone unless it is
// empty, page by page. Work is told after each page which of it were queued, and
// ends it with an error.
func (d *Desk) RetryFailed(ctx context.Context, code string, work func(queued []string) error) error {
	return d.Failed(ctx, code, func(ids []string) error {
		found, err := d.Queue(ctx, ids)
		if err != nil {
			return err
		}
		return work(found)
	})
}

//go:embed skip.sql
var skipSQL string

// Skip takes the contacts with these ids out of the queue, until somebody queues
// them again, and answers those it changed: not those that are Complete.
func (d *Desk) Skip(ctx context.Context, ids []string) (skipped []string, err error) {
	return d.texts(ctx, "skip contacts", skipSQL, ids)
}
