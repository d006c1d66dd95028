package main

import (
	"context"
	"flag"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
)

// riverDrain works off many jobs and answers how many a second. With --http each
// upserts its contact at HubSpot and marks its row Complete.
func riverDrain(ctx context.Context, at place, args []string) (found answer, err error) {
	var jobs, workers int
	var http bool
	err = parse(args, func(flags *flag.FlagSet) {
		flags.IntVar(&jobs, "jobs", 1000, "how many")
		flags.IntVar(&workers, "workers", 1000, "how many at a time")
		flags.BoolVar(&http, "http", false, "ask HubSpot and mark the row")
	})
	if err != nil {
		return found, err
	}
	var once sync.Once
	var began time.Time
	var pool *pgxpool.Pool
	hub := newHubSpot(at)
	work := func(ctx context.Context, job syncArgs) error {
		once.Do(func() { began = time.Now() })
		if !http {
			return nil
		}
		if err := hub.upsert(ctx, job.Email, job.Name); err != nil {
			return err
		}
		_, err := pool.Exec(ctx, `UPDATE contacts SET hubspot_processing_status = 'Complete', hubspot_sync_status = 'Complete',
			hubspot_synced_at = now(), updated_at = now() WHERE id = $1::text::uuid`, job.ID)
		return err
	}
	const conns = 30 // more are no faster on a few cores
	client, own, err := open(ctx, at, options{workers: workers, conns: conns, cooldown: time.Millisecond, work: work})
	if err != nil {
		return found, err
	}
	pool = own
	defer stop(ctx, client, pool)
	if err := insert(ctx, client, pool, jobs); err != nil {
		return found, err
	}
	if err := client.Start(ctx); err != nil {
		return found, fmt.Errorf("start: %w", err)
	}
	for {
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return found, err
		}
		var left bool
		if err := pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM river_job WHERE state <> 'completed')`).Scan(&left); err != nil {
			return found, fmt.Errorf("ask whether jobs are left: %w", err)
		}
		if !left {
			break
		}
	}
	found.PerSecond = float64(jobs) / time.Since(began).Seconds()
	return found, nil
}

// insert inserts contacts, and a job for each.
func insert(ctx context.Context, client *river.Client[pgx.Tx], pool *pgxpool.Pool, jobs int) error {
	rows, err := pool.Query(ctx, `INSERT INTO contacts (email, name)
		SELECT 'contact-' || i || '@example.org', 'Contact Number ' || i FROM generate_series(1, $1::int) i
		RETURNING id::text, email, name`, jobs)
	if err != nil {
		return fmt.Errorf("insert contacts: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p river.InsertManyParams, err error) {
		var args syncArgs
		err = row.Scan(&args.ID, &args.Email, &args.Name)
		p.Args = args
		return p, err
	})
	if err != nil {
		return fmt.Errorf("insert contacts: %w", err)
	}
	if _, err := client.InsertManyFast(ctx, all); err != nil {
		return fmt.Errorf("insert jobs: %w", err)
	}
	for _, statement := range []string{"VACUUM ANALYZE river_job", "VACUUM ANALYZE contacts"} {
		if _, err := pool.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}
