package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"time"
)

// patience bounds the wait for one job.
const patience = 30 * time.Second

// riverLatency inserts jobs one at a time, each when the one before has begun and, if
// not at once, nothing has been to do for a while. It answers the times from the
// insert's answer to the moment the worker begins.
func riverLatency(ctx context.Context, at place, args []string) (found answer, err error) {
	var updates int
	var cooldown time.Duration
	var atOnce bool
	err = parse(args, func(flags *flag.FlagSet) {
		flags.IntVar(&updates, "updates", 10, "how many")
		flags.BoolVar(&atOnce, "at-once", false, "no pause between two jobs")
		flags.DurationVar(&cooldown, "cooldown", 0, "between two fetches; 0 for River's default")
	})
	if err != nil {
		return found, err
	}
	begun := make(chan time.Time, 1)
	client, pool, err := open(ctx, at, options{workers: 100, cooldown: cooldown, work: func(context.Context, syncArgs) error {
		begun <- time.Now()
		return nil
	}})
	if err != nil {
		return found, err
	}
	defer stop(ctx, client, pool)
	if err := client.Start(ctx); err != nil {
		return found, fmt.Errorf("start: %w", err)
	}
	for i := range updates {
		if !atOnce { // long enough for the last fetch to be forgotten, and in step with nothing
			if err := pause(ctx, 150*time.Millisecond+rand.N(200*time.Millisecond)); err != nil {
				return found, err
			}
		}
		if _, err := client.Insert(ctx, syncArgs{Email: fmt.Sprintf("contact-%d@example.org", i)}, nil); err != nil {
			return found, fmt.Errorf("insert: %w", err)
		}
		inserted := time.Now()
		select {
		case at := <-begun:
			found.add(at.Sub(inserted))
		case <-time.After(patience):
			return found, errors.New("a job was not worked off")
		case <-ctx.Done():
			return found, context.Cause(ctx)
		}
	}
	return found, nil
}
