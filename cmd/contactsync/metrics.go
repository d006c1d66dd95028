package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/scrapersky/contactsync/internal/database"
	"github.com/scrapersky/contactsync/internal/leader"
	"github.com/scrapersky/contactsync/internal/metrics"
	"github.com/scrapersky/contactsync/internal/ops"
	"github.com/scrapersky/contactsync/internal/wake"
)

// measure makes the metrics of this process. Those of the queue are read over a
// connection of their own, which is open only while somebody scrapes, so that a
// slow answer keeps neither the work nor the health checks waiting.
func (w *worker) measure(ctx context.Context) (end func(), err error) {
	w.metrics = metrics.New(prometheus.NewRegistry(), shortVersion(), w.cfg.Sync.MaxInstances)
	if w.cfg.HubSpot.APIKey.IsZero() { // a disabled process leaves the database alone
		return func() {}, nil
	}
	pool, err := database.NewPool(ctx, w.cfg.Database.URL.Reveal(), w.instance, 1)
	if err != nil {
		return nil, err
	}
	store := ops.New(pool, target())
	w.metrics.WatchBacklog(func(ctx context.Context) (ops.Snapshot, error) { return store.Snapshot(ctx, ops.MostCounted) }, w.log)
	return pool.Close, nil
}

// measureLeading adds what only a process that may lead has.
func (w *worker) measureLeading(ear *wake.Listener) {
	w.metrics.WatchLimits(w.gauge.Limits)
	w.metrics.WatchListener(ear.Proven)
	ear.Observer = w.metrics
}

// leads counts this process as a leader until the returned function is called.
func (w *worker) leads(ctx context.Context) (end func()) {
	ended := w.metrics.Lead()
	return func() { ended(errors.Is(context.Cause(ctx), leader.ErrLeaseLost)) }
}

// counted is a transport whose requests are counted and traced, if anything is.
func (l *link) counted(base http.RoundTripper) http.RoundTripper {
	if l.metrics == nil { // a command, soon over
		return base
	}
	return l.traces.Transport(l.metrics.Transport(base))
}
