package soak

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// How long what may happen. They are far beyond what is promised, because a
// machine may be busy; only a tick, which is an hour away, could be later.
const (
	// quietMost is for the end of a storm: a quarantine, a pause of the account
	// that has grown to a minute, and what has been queued meanwhile.
	quietMost = 4 * time.Minute

	// wakeMost is from the last commit until nothing that is due is left, while
	// nothing is broken.
	wakeMost = 30 * time.Second

	// aftermath is how long connections that were broken in a storm may still be
	// seen.
	aftermath = time.Second
)

// storm lets everything break that the plan says, while the apps write.
func (w *world) storm(ctx context.Context, r round) {
	ctx, cancel := context.WithTimeout(ctx, r.storm)
	defer cancel()
	var lanes sync.WaitGroup
	for _, lane := range r.lanes {
		lanes.Go(func() { w.play(ctx, lane) })
	}
	lanes.Wait()
	pause(ctx, r.storm) // to its end
	w.front.clear()
	w.sim.ClearFaults()
	w.startAll()
	w.happened.note("the storm is over")
}

// calm waits until everything is done that the storm left, and then measures how
// long it takes from a commit until nothing is due any more: again and again the
// apps write for a moment and fall silent, so that a wake-up that is lost is not
// made good by the next one.
func (w *world) calm(ctx context.Context, r round, seen *wakeUps) {
	w.gate.Lock() // waits for the transactions under way
	defer w.gate.Unlock()
	took, err := w.awaitQuiet(ctx)
	w.startAll() // one may have been killed as the storm ended
	if err != nil {
		w.Errorf("after a storm: %v", err)
		return
	}
	seen.aftermath = append(seen.aftermath, took)
	w.happened.note("calm begins: quiet %v after the storm", took.Round(time.Millisecond))
	chance := w.plan.random(fmt.Sprint("calm ", len(seen.aftermath)))
	began := time.Now()
	end := began.Add(r.calm)
	defer w.still.Store(false)
	for time.Now().Before(end) {
		w.still.Store(time.Since(began) > aftermath)
		w.gate.Unlock()
		pause(ctx, between(chance, 0, 100*time.Millisecond))
		w.gate.Lock()
		wait, err := w.awaitIdle(ctx)
		seen.waits = append(seen.waits, wait)
		if err != nil {
			w.Errorf("a wake-up was lost: nothing is broken, and %v", err)
			return
		}
		pause(ctx, between(chance, 0, 100*time.Millisecond)) // the consumer falls asleep, or is about to
	}
	w.happened.note("calm ends")
}

// wakeUps is what the calms showed.
type wakeUps struct {
	aftermath []time.Duration // from the end of a storm until nothing was left of it
	waits     []time.Duration // from the last commit until nothing was due
}

const (
	// restlessSQL says what is still to come, also once more, after a doubt; dueSQL leaves out what is scheduled.
	restlessSQL = `SELECT format('%s rows are queued and %s claims stand',
		(SELECT count(*) FROM contacts WHERE hubspot_processing_status = 'Queued') + (SELECT count(*) FROM contactsync.doubts WHERE newer <> '{}'),
		(SELECT count(*) FROM contactsync.claims))`
	dueSQL = `SELECT format('%s rows are queued and %s claims stand',
		(SELECT count(*) FROM contacts WHERE hubspot_processing_status = 'Queued' AND (next_retry_at IS NULL OR next_retry_at <= now())),
		(SELECT count(*) FROM contactsync.claims))`
	nothing = "0 rows are queued and 0 claims stand"
)

// awaitQuiet waits until nothing is left to do, now or later.
func (w *world) awaitQuiet(ctx context.Context) (time.Duration, error) {
	return w.await(ctx, quietMost, restlessSQL)
}

// awaitIdle waits until nothing is left to do now.
func (w *world) awaitIdle(ctx context.Context) (time.Duration, error) {
	return w.await(ctx, wakeMost, dueSQL)
}

func (w *world) await(ctx context.Context, most time.Duration, sql string) (time.Duration, error) {
	began := time.Now()
	for {
		left, err := ask[string](ctx, w, sql)
		took := time.Since(began)
		switch {
		case err == nil && left == nothing:
			return took, nil
		case took > most:
			return took, errors.Join(fmt.Errorf("after %v %s", took.Round(time.Millisecond), left), err)
		case !pause(ctx, 10*time.Millisecond):
			return took, ctx.Err()
		}
	}
}

// finish lets everything come to rest when the apps have gone. A row that an app
// has written back as Processing is adopted after a quarter of an hour; that time
// is made to have passed, and whoever leads next looks for such rows at once.
func (w *world) finish(ctx context.Context) {
	if _, err := w.awaitQuiet(ctx); err != nil {
		w.Errorf("at the end: %v", err)
		return
	}
	const staleSQL = `WITH stale AS (UPDATE contacts SET updated_at = now() - interval '16 minutes'
		WHERE hubspot_processing_status = 'Processing' RETURNING 1) SELECT count(*)::int FROM stale`
	n, err := ask[int](ctx, w, staleSQL)
	if err != nil {
		w.Error(err)
	}
	if n == 0 {
		return
	}
	w.count.add("stale Processing adopted", n)
	for _, leader := range w.leaders(ctx) {
		_ = leader.terminate() // it tells by itself
		leader.start()
	}
	const adoptedSQL = `SELECT format('%s rows are queued and %s claims stand',
		(SELECT count(*) FROM contacts WHERE hubspot_processing_status IN ('Queued', 'Processing')),
		(SELECT count(*) FROM contactsync.claims))`
	if _, err := w.await(ctx, quietMost, adoptedSQL); err != nil {
		w.Errorf("rows that an app has written back as Processing are not adopted: %v", err)
	}
}

// median and most are of any number of durations.
func median(all []time.Duration) time.Duration {
	if len(all) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(all))[len(all)/2]
}

func most(all []time.Duration) time.Duration {
	if len(all) == 0 {
		return 0
	}
	return slices.Max(all)
}
