package soak

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/needs"
)

// TestSoak plays a run and checks its ledger. How long: CONTACTSYNC_SOAK; which one:
// CONTACTSYNC_SOAK_SEED. `make soak SOAK_FOR=10m SEED=42` sets both.
func TestSoak(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	p := planned(t)
	t.Log(p)
	w := newWorld(t, p)
	told, seen := &receipts{}, &wakeUps{}
	w.seed(told)
	w.startAll()

	watching, stopWatching := context.WithCancel(t.Context())
	writing, stopWriting := context.WithCancel(t.Context())
	defer stopWatching()
	defer stopWriting()
	watcher := &observer{w: w, began: time.Now()}
	var around, apps sync.WaitGroup
	around.Go(func() { watcher.look(watching) })
	apps.Go(func() { w.write(writing, told) })
	for _, r := range p.rounds {
		w.storm(t.Context(), r)
		w.calm(t.Context(), r, seen)
		if t.Failed() {
			break // what comes after would only bury it
		}
	}
	stopWriting()
	apps.Wait()
	if !t.Failed() {
		w.finish(t.Context())
	}
	stopWatching()
	around.Wait()
	w.front.landing.Wait()

	w.check(told, seen, watcher)
}
