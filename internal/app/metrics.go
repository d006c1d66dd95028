package app

import (
	"context"
	"errors"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/scrapersky/contactsync/internal/database"
	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/destination/hubspot/api"
	"github.com/scrapersky/contactsync/internal/leader"
	"github.com/scrapersky/contactsync/internal/metrics"
	"github.com/scrapersky/contactsync/internal/ops"
)

// startMetrics makes the metrics of this process. Those of the queue are read over
// a connection of their own, which is open only while somebody scrapes, so that a
// slow answer keeps neither the work nor the health checks waiting.
func (a *App) startMetrics(ctx context.Context) (err error) {
	a.metrics = metrics.New(prometheus.NewRegistry(), a.version, a.cfg.Sync.MaxInstances)
	if a.backlog, err = database.NewPool(ctx, a.cfg.Database.URL.Reveal(), a.instance, 1); err != nil {
		return err
	}
	if a.cfg.HubSpot.APIKey.IsZero() { // a disabled process leaves the database alone
		return nil
	}
	store := ops.New(a.backlog, contactsFor(hubspot.Info))
	a.metrics.WatchBacklog(func(ctx context.Context) (ops.Snapshot, error) {
		return store.Snapshot(ctx, ops.MostCounted)
	}, a.log)
	return nil
}

// measure adds what only a process that may lead has.
func (w *worker) measure() {
	w.metrics.WatchLimits(w.client.Limits)
	w.metrics.WatchListener(w.listener.Proven)
	w.listener.Observer = w.metrics
}

// countLeading counts this process as a leader until the returned function is called.
func (w *worker) countLeading(ctx context.Context) (end func()) {
	ended := w.metrics.Lead()
	return func() { ended(errors.Is(context.Cause(ctx), leader.ErrLeaseLost)) }
}

// counted returns a transport whose requests are counted and traced, if anything is.
func (w *worker) counted(base http.RoundTripper) http.RoundTripper {
	if w.metrics == nil { // a command, soon over
		return base
	}
	return w.traces.Transport(w.metrics.Transport(base, api.CallName), w.target.Destination.Label, api.CallName)
}
