package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/scrapersky/contactsync/internal/config"
	"github.com/scrapersky/contactsync/internal/drain"
	"github.com/scrapersky/contactsync/internal/hubspot"
	"github.com/scrapersky/contactsync/internal/leader"
	"github.com/scrapersky/contactsync/internal/ops"
	"github.com/scrapersky/contactsync/internal/queue"
	"github.com/scrapersky/contactsync/internal/tracing"
	"github.com/scrapersky/contactsync/internal/wake"
	"github.com/scrapersky/contactsync/internal/web"
)

// How the time of an orderly stop is divided: what is in flight is cut early
// enough to be settled, and everything else before the platform loses patience.
const (
	cutBefore  = 3 * time.Second
	hardBefore = time.Second
)

// gcPercent is how far the heap may grow over what lives in it, where GOGC does
// not say. A drain keeps 4 MB and throws the rest away: with Go's own 100 a third
// of its processor time went into collecting that, for 10 MB less.
const gcPercent = 400

func newRunCommand(p *program) *cobra.Command {
	var once bool
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Sync queued contacts as they come",
		Long: `Sync queued contacts to HubSpot as they come, until SIGTERM or SIGINT.

Start as many replicas as you like: one leads, the others wait to take over. Settings come from the
environment, and from a file .env in the working directory where there is one. Without HUBSPOT_API_KEY
the process stays up and does nothing.

With --once it syncs what is due and ends. Beside a process that leads it changes nothing: it ends with exit code 1 and
"another process leads and syncs what is queued".`,
		Example: `  contactsync run
  contactsync run --once    # sync what is due now, then end; for a cron job`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := p.loadWithFile(cmd.Context(), settingsFile)
			if err != nil {
				return err
			}
			if _, told := p.env.Lookup("GOGC"); !told {
				debug.SetGCPercent(gcPercent)
			}
			w := newWorker(cfg, p.stderr)
			w.once = once
			if w.traces, err = tracing.Start(cmd.Context(), p.env.Lookup, shortVersion(), w.instance, w.log); err != nil {
				return err
			}
			defer w.traces.Stop(cmd.Context())
			return w.run(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "sync what is due now, then end")
	return cmd
}

// worker is the whole program.
type worker struct {
	link
	once      bool
	rekeyed   chan struct{}  // a new key was taken up; capacity one
	hurry     chan struct{}  // closed when a stop is asked for a second time
	heartbeat *ops.Heartbeat // its line in the list of replicas
}

func newWorker(cfg config.Config, logTo io.Writer) *worker {
	w := &worker{
		link:  link{cfg: cfg, log: newLogger(logTo, cfg.Log), instance: instanceName()},
		hurry: make(chan struct{}), rekeyed: make(chan struct{}, 1),
	}
	w.heartbeat = ops.NewHeartbeat(w.instance, shortVersion(), w.log)
	return w
}

// run is the life of the process, in the order in which it happens.
func (w *worker) run(ctx context.Context) error {
	stop, stopNow := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stopNow()
	hard, cancel := w.hardStop(ctx, stop)
	defer cancel()

	w.log.InfoContext(ctx, "Configuring HubSpot sync scheduler",
		"interval_minutes", w.cfg.Sync.Interval.Minutes(),
		"batch_size", w.cfg.Sync.BatchSize, "max_instances", w.cfg.Sync.MaxInstances)
	unmeasured, err := w.measure(ctx)
	if err != nil {
		return err
	}
	defer unmeasured()
	if w.once {
		return w.sync(stop, hard)
	}
	listener, err := web.Listen(ctx, w.cfg.HTTP.Addr)
	if err != nil {
		return err
	}
	w.log.InfoContext(ctx, "Serving HTTP", "addr", listener.Addr().String())

	group, running := errgroup.WithContext(stop)
	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	group.Go(func() error {
		defer stopServing() // the health checks answer until everything else has ended
		return w.sync(running, hard)
	})
	group.Go(func() error { return w.serve(serving, listener) })
	group.Go(func() error { return w.alert(running) })
	if err := group.Wait(); err != nil {
		return err
	}
	w.log.InfoContext(ctx, "Stopped")
	return nil
}

// hardStop is the end of the patience with an orderly stop: SHUTDOWN_TIMEOUT
// after it was asked for, or when it is asked for a third time. The second time
// cuts what is in flight at once.
func (w *worker) hardStop(ctx, stop context.Context) (context.Context, context.CancelFunc) {
	hard, cancel := context.WithCancelCause(ctx)
	again := make(chan os.Signal, 3)
	var wg sync.WaitGroup
	wg.Go(func() {
		select {
		case <-stop.Done():
		case <-hard.Done():
			return
		}
		signal.Notify(again, syscall.SIGTERM, syscall.SIGINT)
		defer signal.Stop(again)
		w.log.InfoContext(ctx, "Stopping: what is in flight is finished first", "at_most", w.cfg.ShutdownTimeout)
		timer := time.NewTimer(w.cfg.ShutdownTimeout - hardBefore)
		defer timer.Stop()
		for hurry := w.hurry; hard.Err() == nil; {
			select {
			case <-timer.C:
				cancel(errors.New("the time for an orderly stop is over"))
			case <-again:
				if hurry == nil {
					cancel(errors.New("asked to stop a third time"))
					return
				}
				close(hurry)
				hurry = nil
			case <-hard.Done():
			}
		}
	})
	return hard, func() {
		cancel(nil)
		wg.Wait()
	}
}

// sync leads whenever it can, until stop ends.
func (w *worker) sync(stop, hard context.Context) error {
	if w.cfg.HubSpot.APIKey.IsZero() {
		w.log.WarnContext(stop, "HUBSPOT_API_KEY not configured - HubSpot sync scheduler DISABLED")
		if w.once {
			return errors.New("nothing can be synced without HUBSPOT_API_KEY: set it and try again")
		}
		<-stop.Done()
		return nil
	}
	err := w.checkSchema(stop)
	if stop.Err() != nil {
		return nil
	}
	if err != nil {
		return err
	}
	client, err := w.client()
	if err != nil {
		return err
	}
	signal := wake.NewSignal()
	listener := wake.NewListener(w.connect, signal, w.log)
	w.measureLeading(listener)
	w.log.InfoContext(stop, "HubSpot sync scheduler job registered successfully", "instance", w.instance)

	campaign := leader.Config{
		Connect: w.connect, Destination: destination, Slots: w.cfg.Sync.MaxInstances,
		Instance: w.instance, Log: w.log, Beat: listener.Beat,
	}
	if !w.once { // which is a command, soon over
		campaign.Waiting, campaign.Gone = w.heartbeat.Beat, w.heartbeat.Remove
		campaign.Beat = func(ctx context.Context, conn *pgx.Conn) error {
			err := listener.Beat(ctx, conn)
			w.heartbeat.Beat(ctx, conn)
			return err
		}
	}
	defer w.watchKey(stop, client)()
	lead := func(ctx context.Context, s *leader.Session) error {
		return w.lead(ctx, stop, s, client, listener, signal)
	}
	if w.once {
		busy := errors.New("another process leads and syncs what is queued; stop it, or leave the work to it")
		return leadOnce(stop, hard, campaign, busy, lead)
	}
	return leader.Campaign(stop, hard, campaign, lead)
}

// lead drains the queue for as long as the slot is held.
func (w *worker) lead(ctx, stop context.Context, s *leader.Session, client *hubspot.Client, ear *wake.Listener, signal *wake.Signal) error {
	w.session.Store(s)
	defer w.session.Store(nil)
	defer w.leads(ctx)()
	q := w.queueOf(s)
	if !w.once {
		leave, err := w.show(ctx, stop, s, ear)
		if err != nil {
			return err
		}
		defer leave()
	}
	listening, deafen := context.WithCancel(ctx)
	var listener sync.WaitGroup
	listener.Go(func() {
		if err := ear.Run(listening); err != nil {
			w.log.ErrorContext(ctx, "Listening for notifications ended", "error", err)
		}
	})
	loop := &drain.Loop{
		Queue: q, Destination: client, Listener: ear, Wake: signal.C(), Log: w.log,
		BatchSize: w.cfg.Sync.BatchSize, Slots: w.cfg.Sync.MaxInstances, Interval: w.cfg.Sync.Interval,
		CutAfter: w.cfg.ShutdownTimeout - cutBefore, Hurry: w.hurry, Once: w.once, Rekeyed: w.rekeyed,
		Checked: w.checkMap(client), Unchanged: w.unchanged(client, q), Observer: w.traces.Observe(w.metrics),
	}
	err := loop.Run(ctx, stop)
	if ctx.Err() == nil {
		err = errors.Join(err, q.Leave(ctx))
	}
	deafen()
	listener.Wait()
	return err
}

// unchanged is how the loop knows what HubSpot has been told; nil where everything
// is to be sent.
func (w *worker) unchanged(client *hubspot.Client, q *queue.Queue) *drain.Unchanged {
	if !w.cfg.HubSpot.SkipUnchanged {
		return nil
	}
	return &drain.Unchanged{Hash: client.Fingerprint, Begin: q.Begin}
}

// show lists this process as the leader that it is; leave, as a follower again, or
// not at all when it stops.
func (w *worker) show(ctx, stop context.Context, s *leader.Session, ear *wake.Listener) (leave func(), err error) {
	note := func(ctx context.Context, conn *pgx.Conn) error {
		w.heartbeat.Beat(ctx, conn)
		return nil
	}
	w.heartbeat.SetLeader(&ops.Leading{Slot: s.Slot(), Proven: ear.Proven, Limits: w.gauge.Limits})
	return func() {
		w.heartbeat.SetLeader(nil)
		if stop.Err() != nil && ctx.Err() == nil {
			_ = s.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
				w.heartbeat.Remove(ctx, conn)
				return nil
			})
		}
	}, s.Do(ctx, note)
}
