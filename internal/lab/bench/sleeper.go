package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/scrapersky/contactsync/internal/database"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/wake"
)

// How the program falls asleep, see internal/drain: it lingers, and then tries
// for the doorbell, slower and slower.
const (
	linger    = 20 * time.Millisecond
	firstPoll = 5 * time.Millisecond
	lastPoll  = 250 * time.Millisecond
)

// portalOptions are those of a portal at HubSpot's pace.
func portalOptions() hubspotsim.Options {
	return hubspotsim.Options{RatePer10s: portalRate, Latency: portalLatency}
}

// worker is a consumer: a replica at work from the first commit to the last. It has
// more before it than the portal takes in a turn (5,700 contacts in 3 s), and is rung
// for by hand, because where the triggers are off the fill does not ring.
func worker(ctx context.Context, st *installation) (stop func() error, err error) {
	_, err = st.lead(ctx, "HUBSPOT_SYNC_SCHEDULER_BATCH_SIZE=1000", "LOG_LEVEL=info", "HUBSPOT_RATE_LIMIT_PER_10S="+strconv.Itoa(portalRate))
	if err != nil {
		return nil, err
	}
	const ahead = 20_000
	if err := st.fill(ctx, 1_000_001, ahead, "Queued"); err != nil {
		return nil, err
	}
	if err := st.do(ctx, "SELECT pg_notify('contact_queued', '')"); err != nil {
		return nil, err
	}
	return func() error { return nil }, nil
}

// sleeper is a consumer that takes nothing: it sleeps on the doorbell, wakes, and
// lies down again.
func sleeper(ctx context.Context, st *installation) (stop func() error, err error) {
	conn, err := database.Connect(ctx, st.url, "bench")
	if err != nil {
		return nil, err
	}
	signal := wake.NewSignal()
	ear := wake.NewListener(func(ctx context.Context) (*pgx.Conn, error) {
		return database.Connect(ctx, st.url, "bench")
	}, signal, slog.New(slog.DiscardHandler))
	running, end := context.WithCancel(ctx)
	group, running := errgroup.WithContext(running)
	group.Go(func() error { return ear.Run(running) })
	group.Go(func() error { return sleepAndWake(running, conn, signal.C()) })
	stop = func() error {
		end()
		err := group.Wait()
		database.Close(ctx, conn)
		return err
	}
	if err := st.asleep(ctx); err != nil {
		return nil, errors.Join(err, stop())
	}
	return stop, nil
}

func sleepAndWake(ctx context.Context, conn *pgx.Conn, woken <-chan struct{}) error {
	wait := firstPoll
	for ctx.Err() == nil {
		var armed bool
		err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1, $2)`, destination.LockClass, hubspot.Info.Doorbell()).Scan(&armed)
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("take the doorbell: %w", err)
		}
		if !armed { // a writer's transaction is open
			_ = pause(ctx, wait)
			wait = min(2*wait, lastPoll)
			continue
		}
		wait = firstPoll
		select {
		case <-woken:
		case <-ctx.Done():
			return nil
		}
		_, err = conn.Exec(ctx, `SELECT pg_advisory_unlock($1, $2)`, destination.LockClass, hubspot.Info.Doorbell())
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("give the doorbell back: %w", err)
		}
		_ = pause(ctx, linger)
	}
	return nil
}
