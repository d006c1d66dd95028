package soak

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/postgres"
)

// databaseFaults is what happens to Postgres and to the way there.
func databaseFaults() []faultKind {
	return []faultKind{
		{"terminate a backend", 4, 0, terminateOne},
		{"terminate all backends of contactsync", 1, 0, terminateAll},
		{"terminate an app's backend", 1, 0, terminateApp},
		{"network to Postgres silent", 3, time.Second, freezeNetwork},
		{"network to Postgres broken", 2, 0, cutNetwork},
		{"Postgres restarts", 1, 0, restart(postgres.Fast)},
		{"Postgres crashes", 1, 0, restart(postgres.Immediate)},
	}
}

// The chosen backend depends on how many there are, which the seed does not fix.
const terminateSQL = `SELECT coalesce(string_agg(application_name, ' '), '') FROM (
	SELECT application_name, pg_terminate_backend(pid) FROM (
		SELECT pid, application_name FROM pg_stat_activity
		WHERE datname = current_database() AND application_name LIKE $1 ORDER BY md5(pid::text || $2) LIMIT $3::int) chosen) x`

func terminateOne(ctx context.Context, w *world, r *rand.Rand) (string, error) {
	return ask[string](ctx, w, terminateSQL, "contactsync/%", fmt.Sprint(r.Uint64()), 1)
}

func terminateAll(ctx context.Context, w *world, r *rand.Rand) (string, error) {
	return ask[string](ctx, w, terminateSQL, "contactsync/%", fmt.Sprint(r.Uint64()), 1000)
}

func terminateApp(ctx context.Context, w *world, r *rand.Rand) (string, error) {
	return ask[string](ctx, w, terminateSQL, "app%", fmt.Sprint(r.Uint64()), 1)
}

func freezeNetwork(ctx context.Context, w *world, r *rand.Rand) (string, error) {
	victim, lasts := w.leader(ctx, r), between(r, 100*time.Millisecond, 10*time.Second)
	if r.IntN(5) == 0 {
		lasts += 10 * time.Second
	}
	victim.proxy.Freeze()
	defer victim.proxy.Thaw()
	pause(ctx, lasts)
	return fmt.Sprintf("%v for %v", victim, lasts.Round(time.Millisecond)), nil
}

func cutNetwork(ctx context.Context, w *world, r *rand.Rand) (string, error) {
	victim := w.leader(ctx, r)
	victim.proxy.Cut()
	return victim.String(), nil
}

func restart(mode postgres.Mode) func(context.Context, *world, *rand.Rand) (string, error) {
	return func(ctx context.Context, w *world, r *rand.Rand) (string, error) {
		away := between(r, 0, 2*time.Second)
		if w.server == nil {
			return "", errAway
		}
		whole := context.WithoutCancel(ctx) // half a restart would leave nobody to go on with
		if err := w.server.Halt(whole, mode); err != nil {
			w.Error(err)
		}
		pause(ctx, away)
		if err := w.server.Resume(whole); err != nil {
			w.Error(err)
		}
		return fmt.Sprintf("%s, away for %v", mode, away.Round(time.Millisecond)), nil
	}
}
