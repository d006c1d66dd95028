package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
)

// takeSQL is the claim of a loop that somebody writes in an afternoon.
const takeSQL = `UPDATE contacts SET hubspot_processing_status = 'Processing'
	WHERE id IN (SELECT id FROM contacts WHERE hubspot_processing_status = 'Queued' LIMIT 100 FOR UPDATE SKIP LOCKED)
	RETURNING email`

// pollLatency queues contacts one at a time for a loop that looks every second, and
// answers the times from the answer to the UPDATE to the loop's finding it.
func pollLatency(ctx context.Context, at place, args []string) (found answer, err error) {
	var updates int
	var every time.Duration
	err = parse(args, func(flags *flag.FlagSet) {
		flags.IntVar(&updates, "updates", 10, "how many")
		flags.DurationVar(&every, "every", time.Second, "how often it looks")
	})
	if err != nil {
		return found, err
	}
	app, err := pgx.Connect(ctx, at.database)
	if err != nil {
		return found, fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = app.Close(context.WithoutCancel(ctx)) }()
	if _, err := app.Exec(ctx, `INSERT INTO contacts (email) SELECT 'contact-' || i || '@example.org' FROM generate_series(1, $1::int) i`, updates); err != nil {
		return found, fmt.Errorf("insert contacts: %w", err)
	}
	polling, end := context.WithCancel(ctx)
	taken := make(chan time.Time, updates)
	ended := make(chan error, 1)
	go func() { ended <- poll(polling, at, every, taken) }()
	for i := 1; i <= updates; i++ {
		if err = pause(ctx, rand.N(every)); err != nil {
			break
		}
		if _, err = app.Exec(ctx, `UPDATE contacts SET hubspot_processing_status = 'Queued' WHERE email = $1`, fmt.Sprintf("contact-%d@example.org", i)); err != nil {
			break
		}
		queued := time.Now()
		select {
		case at := <-taken:
			found.add(at.Sub(queued))
		case <-time.After(patience):
			err = errors.New("a contact was not found")
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		if err != nil {
			break
		}
	}
	end()
	return found, errors.Join(err, <-ended)
}

// poll looks every so often until ctx ends.
func poll(ctx context.Context, at place, every time.Duration, taken chan<- time.Time) error {
	conn, err := pgx.Connect(ctx, at.database)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
		rows, err := conn.Query(context.WithoutCancel(ctx), takeSQL)
		if err != nil {
			return fmt.Errorf("take: %w", err)
		}
		emails, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return fmt.Errorf("take: %w", err)
		}
		for range emails {
			taken <- time.Now()
		}
	}
}
