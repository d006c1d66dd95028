package app

import (
	"context"
	"errors"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/scrapersky/contactsync/internal/database"
	"github.com/scrapersky/contactsync/internal/leader"
	"github.com/scrapersky/contactsync/internal/metrics"
	"github.com/scrapersky/contactsync/internal/ops"
)

// startMetrics makes the metrics of this process. Those of the queue are read over
// connections of their own, one for each destination, which are open only while somebody scrapes, so that a
// slow answer keeps neither the work nor the health checks waiting.
func (a *App) startMetrics(ctx context.Context) (err error) {
	a.metrics = metrics.New(prometheus.NewRegistry(), a.version)
	if a.backlog, err = database.NewPool(ctx, a.cfg.Database.URL.Reveal(), a.instance, int32(len(a.shown))); err != nil {
		return err
	}
	for _, d := range a.shown {
		counted := a.metrics.Destination(d.info, d.settings(a.cfg).sync.MaxInstances)
		for _, w := range a.workers { // none where the process is disabled, which leaves the database alone
			if w.info.Name == d.info.Name {
				w.metrics = counted
				a.watchBacklog(w)
			}
		}
	}
	return nil
}

// watchBacklog adds how the queue of a worker's destination stands.
func (a *App) watchBacklog(w *worker) {
	store := newStore(a.backlog, a.schema, w.info)
	w.metrics.WatchBacklog(func(ctx context.Context) (ops.Snapshot, error) {
		return store.Snapshot(ctx, ops.MostCounted)
	}, w.log)
}

// measure adds what only a process that may lead has.
func (w *worker) measure() {
	w.metrics.WatchLimits(w.connection.limits)
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
	return w.traces.Transport(w.metrics.Transport(base, w.adapter.callName), w.info.Label, w.adapter.callName)
}
