// Package app is the program: what `contactsync run` builds, runs and stops, and
// what other commands need of it. It exists so that cmd/contactsync only reads
// flags, calls and prints; nothing here writes to standard output or knows a
// command line.
//
// An App is one process. It has one worker for each destination, and each worker
// has a connection, a rate limit and an account state of its own, so that trouble
// at one destination costs another one nothing:
//
//	Build ─ App.Run ─┬─ serve              health checks, metrics, dashboard
//	                 ├─ alert              the webhook
//	                 └─ worker.run         waits for a leader slot   (package leader)
//	                      └─ worker.lead   holds it:
//	                           ├─ listener hears notifications       (package wake)
//	                           └─ loop     claim, send, settle       (package drain)
//
// App.RunOnce does the same for what is due now. Manual is a worker that syncs
// named contacts in a slot of its own.
package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/scrapersky/contactsync/internal/config"
	"github.com/scrapersky/contactsync/internal/metrics"
	"github.com/scrapersky/contactsync/internal/ops"
	"github.com/scrapersky/contactsync/internal/schema"
	"github.com/scrapersky/contactsync/internal/tracing"
)

// Options are what an App needs beside its settings. All exported fields are needed.
type Options struct {
	Version string
	Env     func(name string) (string, bool) // the OTEL_* variables
	Log     *slog.Logger

	destinations []adapter // for tests; nil are those that there are
}

// App is one process of contactsync. Build makes it, Close ends it, and one of Run
// and RunOnce runs it, once.
type App struct {
	cfg      config.Config
	log      *slog.Logger
	instance string // this process's name, for people
	version  string

	schema  schema.Options   // what the database must be prepared for
	traces  *tracing.Tracing // nil: none are sent
	metrics *metrics.Metrics
	backlog *pgxpool.Pool // read when somebody scrapes
	shown   []adapter     // the destinations that have a key, or one that could
	workers []*worker     // one for each destination that has a key
	once    bool          // RunOnce: every worker does one round
	hurry   chan struct{} // closed when a stop is asked for a second time
}

// Build makes the process that the settings describe. It starts no work and opens
// no connection to the database.
func Build(ctx context.Context, cfg config.Config, o Options) (*App, error) {
	a := &App{
		cfg: cfg, log: o.Log, instance: InstanceName(), version: o.Version,
		hurry: make(chan struct{}),
	}
	if o.destinations == nil {
		o.destinations = destinations()
	}
	a.schema = schemaOptions(cfg, o.destinations)
	shown, enabled := configured(o.destinations, cfg)
	a.shown = shown
	if enabled {
		for _, d := range shown {
			a.workers = append(a.workers, a.newWorker(d))
		}
	}
	if err := a.startMetrics(ctx); err != nil {
		return nil, err
	}
	traces, err := tracing.Start(ctx, o.Env, a.version, a.instance, a.log)
	if err != nil {
		a.backlog.Close()
		return nil, err
	}
	a.traces = traces
	for _, w := range a.workers {
		w.traces = traces
	}
	return a, nil
}

// Close sends the last traces and closes what Build opened.
func (a *App) Close(ctx context.Context) {
	a.backlog.Close()
	a.traces.Stop(ctx)
}

// newWorker returns a worker of this process, which is measured, traced and listed.
func (a *App) newWorker(d adapter) *worker {
	w := newWorker(d, a.cfg, a.instance, a.log)
	w.heartbeat = ops.NewHeartbeat(ops.Process{
		Instance: a.instance, Version: a.version, BatchSize: w.settings.sync.BatchSize, Instances: w.settings.sync.MaxInstances,
	}, d.info, a.log)
	w.hurry = a.hurry
	return w
}

// disabled reports whether no destination is configured. Such a process stays up
// and leaves the database alone.
func (a *App) disabled() bool { return len(a.workers) == 0 }

// InstanceName returns the name of this process among the others, for people: its
// host or its platform's name for it, and its process id.
func InstanceName() string {
	host := os.Getenv("RENDER_INSTANCE_ID")
	if host == "" {
		host, _ = os.Hostname()
	}
	return fmt.Sprintf("%s-%d", host, os.Getpid())
}
