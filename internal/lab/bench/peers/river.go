package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// syncArgs is a job: one contact.
type syncArgs struct {
	ID    string `json:"id"`
	Email string `json:"email"`
	Name  string `json:"name"`
}

// Kind names the job.
func (syncArgs) Kind() string { return "sync" }

// syncWorker does with a job what the measurement wants.
type syncWorker struct {
	river.WorkerDefaults[syncArgs]
	work func(ctx context.Context, args syncArgs) error
}

// Work works off one job.
func (w *syncWorker) Work(ctx context.Context, job *river.Job[syncArgs]) error {
	return w.work(ctx, job.Args)
}

// options are what differs between the measurements.
type options struct {
	id       string // of the client; empty for River's own
	workers  int
	conns    int32
	cooldown time.Duration // between two fetches; 0 for River's default
	work     func(ctx context.Context, args syncArgs) error
}

// open makes a migrated database a River client that has not started.
func open(ctx context.Context, at place, opt options) (*river.Client[pgx.Tx], *pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(at.database)
	if err != nil {
		return nil, nil, fmt.Errorf("the database's URL: %w", err)
	}
	config.MaxConns = max(opt.conns, 4)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, nil, fmt.Errorf("connect: %w", err)
	}
	client, err := newClient(ctx, pool, opt)
	if err != nil {
		pool.Close()
		return nil, nil, err
	}
	return client, pool, nil
}

func newClient(ctx context.Context, pool *pgxpool.Pool, opt options) (*river.Client[pgx.Tx], error) {
	driver := riverpgxv5.New(pool)
	quiet := slog.New(slog.DiscardHandler)
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: quiet})
	if err != nil {
		return nil, fmt.Errorf("river's migrations: %w", err)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return nil, fmt.Errorf("river's migrations: %w", err)
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, &syncWorker{work: opt.work})
	return river.NewClient(driver, &river.Config{
		ID: opt.id, Logger: quiet, Workers: workers, FetchCooldown: opt.cooldown,
		Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: opt.workers}},
	})
}

// stop ends a client for good.
func stop(ctx context.Context, client *river.Client[pgx.Tx], pool *pgxpool.Pool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	_ = client.StopAndCancel(ctx) // the measurement is over
	pool.Close()
}
