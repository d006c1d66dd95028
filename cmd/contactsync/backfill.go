package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/scrapersky/contactsync/internal/ops"
)

const (
	// backfillPoll is how often to look whether the queue is empty.
	backfillPoll = 50 * time.Millisecond
	// backfillPatience is how long the queue may take for a page before a word is
	// said about it.
	backfillPatience = 10 * time.Second
)

// backfill is what `queue --all` was asked for.
type backfill struct {
	rate  string // "200/s"; empty: as fast as they are synced
	page  int    // how many are queued at a time
	after string // the id to go on after; empty: from the beginning
}

// unqueued are the contacts that `queue --all` queues: in the queue already they keep
// their turn.
func unqueued() ops.Filter {
	return ops.Filter{Sendable: true, Except: []string{ops.StatusQueued, ops.StatusProcessing}}
}

// check reads the flags but --after.
func (b *backfill) check() (perSecond rate.Limit, err error) {
	if b.page < 1 || b.page > queuePage {
		return 0, usagef("--page takes 1 to %d", queuePage)
	}
	if b.rate == "" {
		return rate.Inf, nil
	}
	number, unit, _ := strings.Cut(b.rate, "/")
	units := map[string]float64{"": 1, "s": 1, "m": 60, "h": 3600}
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	per, known := units[strings.TrimSpace(unit)]
	if err != nil || !known || !(n > 0) || n > 1e6 {
		return 0, usagef("--rate takes contacts a second, minute or hour: 200/s, 30/m or 1000/h")
	}
	return rate.Limit(n / per), nil
}

// parseAfter reads the flag that only somebody who knows the ids can read.
func (b *backfill) parseAfter(ctx context.Context, store *ops.Store) error {
	if b.after == "" {
		return nil
	}
	as, err := store.IDs(ctx)
	if err != nil {
		return err
	}
	id, is := as.Parse(b.after)
	if !is {
		return usagef("--after takes the id of a contact, as an interrupted run has told it; ids are of type %s", as)
	}
	b.after = id
	return nil
}

// queueAll queues every contact, a page at a time in the order of the ids. The
// next page waits until nothing is due any more: so what an app queues meanwhile
// waits for one page at most, although its rows are the youngest.
func (c *change) queueAll(ctx context.Context, b backfill, perSecond rate.Limit) error {
	total, err := c.store.Count(ctx, unqueued(), b.after)
	if err != nil {
		return err
	}
	queue, err := c.store.Snapshot(ctx, 0)
	if err != nil {
		return err
	}
	c.already = queue.Queue.Due + queue.Queue.Waiting + queue.Queue.Processing
	c.begin(total)
	limit := rate.NewLimiter(perSecond, b.page)
	limit.AllowN(time.Now(), b.page) // no head start
	for at := b.after; ; at = c.after {
		ids, err := c.store.Select(ctx, unqueued(), at, b.page)
		if err != nil || len(ids) == 0 {
			return err
		}
		if err := limit.WaitN(ctx, len(ids)); err != nil {
			return err
		}
		if err := c.untilNoneDue(ctx); err != nil {
			return err
		}
		// Looked at again: who was skipped or queued while it waited is left alone.
		ids, err = c.store.Select(ctx, unqueued(), at, len(ids))
		if err != nil || len(ids) == 0 {
			return err
		}
		found, err := c.store.Queue(ctx, ids)
		if err != nil {
			return err
		}
		c.after = ids[len(ids)-1]
		c.bar.note = "up to " + c.after
		c.done(len(ids), found)
	}
}

// untilNoneDue waits until the queue has nothing for a worker to take.
func (c *change) untilNoneDue(ctx context.Context) error {
	tick := time.NewTicker(backfillPoll)
	defer tick.Stop()
	began, told := time.Now(), false
	for {
		due, err := c.store.AnyDue(ctx)
		if err != nil || !due {
			return err
		}
		if !told && time.Since(began) > backfillPatience {
			told = true
			_, _ = say(c.p.stderr, "Waiting: contacts are due. If that lasts, look with `contactsync status` whether anybody syncs them.\n")
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// goOn says how to go on with a backfill that was interrupted.
func (b backfill) goOn(after string) string {
	if after == "" {
		after = b.after
	}
	flags := ""
	if b.rate != "" {
		flags += " --rate " + b.rate
	}
	if after != "" {
		flags += " --after " + after
	}
	return "to go on: contactsync queue --all" + flags
}

// stoppedError is a backfill that did not come to its end.
type stoppedError struct {
	error

	goOn string
}

func (e *stoppedError) Error() string { return e.error.Error() + "; " + e.goOn }

func (e *stoppedError) Unwrap() error { return e.error }
