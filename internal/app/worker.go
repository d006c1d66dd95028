package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/config"
	"github.com/scrapersky/contactsync/internal/database"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/leader"
	"github.com/scrapersky/contactsync/internal/metrics"
	"github.com/scrapersky/contactsync/internal/ops"
	"github.com/scrapersky/contactsync/internal/queue"
	"github.com/scrapersky/contactsync/internal/queue/columns"
	"github.com/scrapersky/contactsync/internal/statement"
	"github.com/scrapersky/contactsync/internal/tracing"
	"github.com/scrapersky/contactsync/internal/wake"
)

// worker does the work of one destination while it holds one of the destination's
// slots: it claims, sends and settles on the connection that holds the slot.
type worker struct {
	adapter  adapter
	info     destination.Info // the adapter's
	settings settings         // of the destination
	cfg      config.Config
	instance string
	once     bool         // sync what is due, then end; set before run
	log      *slog.Logger // its lines name the destination
	plainLog *slog.Logger // for whoever names the destination itself

	signal   *wake.Signal
	listener *wake.Listener
	rekeyed  chan struct{}   // a new key was taken up; capacity one
	hurry    <-chan struct{} // closed when a stop is asked for a second time

	metrics   *metrics.Destination // nil for a command
	traces    *tracing.Tracing     // nil: none are sent
	heartbeat *ops.Heartbeat       // nil for a command
	visible   *visibility          // what row security hides

	target     statement.Target // the destination, and the table that it is fed from, once checkSchema has looked
	extra      columns.List     // the mapped columns, once checkSchema has looked
	connection connection       // once dial was called

	seen    queue.Seen
	session atomic.Pointer[leader.Session] // nil unless a slot is held
	queue   atomic.Pointer[queue.Queue]    // of the slot held last
}

// newWorker returns a worker for a destination that is neither measured nor listed.
func newWorker(of adapter, cfg config.Config, instance string, log *slog.Logger) *worker {
	w := &worker{
		adapter: of, info: of.info, settings: of.settings(cfg), cfg: cfg, instance: instance,
		plainLog: log, log: log.With("destination", of.info.Name),
		signal: wake.NewSignal(), rekeyed: make(chan struct{}, 1),
	}
	w.visible = &visibility{log: w.log}
	w.listener = wake.NewListener(w.connect, w.signal, w.log)
	return w
}

// connect opens a connection past any pooler.
func (w *worker) connect(ctx context.Context) (*pgx.Conn, error) {
	return database.Connect(ctx, w.cfg.Database.DirectURL.Reveal(), w.instance)
}

// dial makes the destination's client, which sends while a slot is held, and not a
// moment longer.
func (w *worker) dial() (err error) {
	w.connection, err = w.adapter.connect(connectOptions{
		cfg: w.cfg, extra: w.extra, slots: w.settings.sync.MaxInstances, log: w.log,
		wrap: func(base http.RoundTripper) http.RoundTripper {
			return leader.Transport(w.counted(base), w.mayStillSend)
		},
		accept: w.accept,
	})
	return err
}

// moved tells that the database was restored or copied.
func (w *worker) moved(ctx context.Context) {
	w.log.WarnContext(ctx, "the database was restored, copied or failed over since contacts were sent last: what was sent then is forgotten, and unchanged contacts are sent once more")
}

// accept makes sure that an account is the one that contacts are synced to.
func (w *worker) accept(ctx context.Context, account string, aboutToSend bool) (known bool, err error) {
	q := w.queue.Load()
	if q == nil {
		return false, leader.ErrLeaseLost
	}
	w.heartbeat.SetAccount(account)
	return q.Account(ctx, account, aboutToSend)
}

// run leads whenever it can, until stop ends, or with once a single time. It needs a
// connection: see dial. Hard ends what a stop leaves time for.
func (w *worker) run(stop, hard context.Context) error {
	w.measure()
	w.log.InfoContext(stop, w.info.Label+" sync scheduler job registered successfully", "instance", w.instance) //nolint:sloglint // the line is that of the destination

	conf := w.leaderConfig()
	conf.Beat = w.listener.Beat
	if !w.once { // which is a command, soon over
		conf.OnWait, conf.OnExit = w.writeDown, w.heartbeat.Remove
		conf.Beat = func(ctx context.Context, conn *pgx.Conn) error {
			err := w.listener.Beat(ctx, conn)
			w.writeDown(ctx, conn)
			return err
		}
	}
	defer w.watchKey(stop)()
	lead := func(ctx context.Context, s *leader.Session) error { return w.lead(ctx, stop, s) }
	if w.once {
		busy := errors.New("another process leads and syncs what is queued; stop it, or leave the work to it")
		return leadOnce(stop, hard, conf, busy, lead)
	}
	return leader.Run(stop, hard, conf, lead)
}

// writeDown says that this process is there, and logs what it cannot see. What it sees
// again was queued without that anything woke it.
func (w *worker) writeDown(ctx context.Context, conn *pgx.Conn) {
	w.heartbeat.Beat(ctx, conn)
	if sees := w.visible.look(ctx, conn); sees {
		w.signal.Set()
	}
}

// leaderConfig is how this worker waits for one of its destination's slots.
func (w *worker) leaderConfig() leader.Config {
	return leader.Config{
		Connect: w.connect, Destination: w.info, Slots: w.settings.sync.MaxInstances,
		Instance: w.instance, Log: w.plainLog,
	}
}

// queueOf returns the queue of a slot.
func (w *worker) queueOf(s *leader.Session) *queue.Queue {
	q := queue.New(s, queue.Options{
		Target: w.target, Instance: w.instance, Slot: s.Slot(), Slots: w.settings.sync.MaxInstances, Log: w.log,
		MaxRetries: w.settings.sync.MaxRetries, RetryDelay: w.settings.sync.RetryDelay,
		Exponential: w.settings.sync.RetryExponential, Timeout: w.settings.timeout, Doubt: w.settings.doubt,
		Traced: w.traces != nil,
		Extra:  w.settings.columns, Remember: w.settings.skipUnchanged,
		Seen: &w.seen, OnMoved: w.moved,
	})
	w.queue.Store(q)
	return q
}

// mayStillSend returns an error unless the slot is held and its claims are alive: no
// request leaves a moment later.
func (w *worker) mayStillSend() error {
	s, q := w.session.Load(), w.queue.Load()
	if s == nil || q == nil {
		return leader.ErrLeaseLost
	}
	if err := s.Fresh(); err != nil {
		return err
	}
	return q.ClaimsFresh()
}
