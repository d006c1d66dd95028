package app

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/drain"
	"github.com/scrapersky/contactsync/internal/leader"
	"github.com/scrapersky/contactsync/internal/ops"
	"github.com/scrapersky/contactsync/internal/queue"
)

// lead drains the queue for as long as the slot is held.
func (w *worker) lead(ctx, stop context.Context, s *leader.Session) error {
	w.session.Store(s)
	defer w.session.Store(nil)
	defer w.countLeading(ctx)()
	q := w.queueOf(s)
	if !w.once {
		leave, err := w.announce(ctx, stop, s)
		if err != nil {
			return err
		}
		defer leave()
	}
	stopListening := w.listen(ctx)
	loop := w.loop(q, w.log)
	loop.Listener, loop.Wake, loop.Interval, loop.Once = w.listener, w.signal.C(), w.settings.sync.Interval, w.once
	loop.Hurry, loop.Rekeyed, loop.Checked = w.hurry, w.rekeyed, w.connection.checked
	loop.Unchanged, loop.Observer = w.unchanged(q), w.traces.Observe(w.metrics)
	err := loop.Run(ctx, stop)
	if ctx.Err() == nil {
		err = errors.Join(err, q.Leave(ctx))
	}
	stopListening()
	return err
}

// loop returns the loop of a queue, with what a leader and a sync by hand share.
func (w *worker) loop(q *queue.Queue, log *slog.Logger) *drain.Loop {
	return &drain.Loop{
		Label: w.info.Label, Queue: q, Destination: w.connection, Log: log,
		BatchSize: w.settings.sync.BatchSize, Slots: w.settings.sync.MaxInstances, CutAfter: w.cfg.ShutdownTimeout - cutBefore,
	}
}

// listen hears notifications until the returned function is called.
func (w *worker) listen(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var listening sync.WaitGroup
	listening.Go(func() {
		if err := w.listener.Run(ctx); err != nil {
			w.log.ErrorContext(ctx, "listening for notifications ended", "error", err)
		}
	})
	return func() {
		cancel()
		listening.Wait()
	}
}

// unchanged returns how the loop knows what the destination has already; nil where everything
// is to be sent.
func (w *worker) unchanged(q *queue.Queue) *drain.Unchanged {
	if !w.settings.skipUnchanged {
		return nil
	}
	return &drain.Unchanged{Hash: w.connection.fingerprint, Begin: q.Begin}
}

// announce lists this process as a leader. The returned function lists it as a
// follower again, or takes it off the list when it stops.
func (w *worker) announce(ctx, stop context.Context, s *leader.Session) (leave func(), err error) {
	w.heartbeat.SetLeader(&ops.Leading{Slot: s.Slot(), Proven: w.listener.Proven, Limits: w.connection.limits})
	leave = func() {
		w.heartbeat.SetLeader(nil)
		if stop.Err() != nil && ctx.Err() == nil {
			_ = s.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
				w.heartbeat.Remove(ctx, conn)
				return nil
			})
		}
	}
	err = s.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		w.heartbeat.Beat(ctx, conn)
		return nil
	})
	if err != nil {
		leave()
	}
	return leave, err
}
