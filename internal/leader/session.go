package leader

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// ErrLeaseLost means that this process must not act as the leader any more: its
// connection is gone, or was silent for too long.
var ErrLeaseLost = errors.New("the lease on the slot is lost")

// Session is a slot that is led, and the connection that holds its lock. It is
// safe for concurrent use.
type Session struct {
	slot   int
	conn   *pgx.Conn
	inUse  chan struct{} // holds one token while the connection is in use
	lease  *lease
	timing timing
	beat   func(ctx context.Context, conn *pgx.Conn) error
	log    *slog.Logger

	done   chan struct{} // closed by end
	lost   sync.Once
	cause  error // why, once done is closed
	cancel context.CancelCauseFunc
}

// newSession is a session whose last answer from the server was to a statement
// sent at the time given.
func newSession(conn *pgx.Conn, slot int, cfg Config, answered time.Time) *Session {
	return &Session{
		slot: slot, conn: conn, inUse: make(chan struct{}, 1),
		lease: newLease(cfg.timing, answered), timing: cfg.timing,
		beat: cfg.Beat, log: cfg.Log,
		done: make(chan struct{}),
	}
}

// Slot is the number of the slot, counted from 0.
func (s *Session) Slot() int { return s.slot }

// Do lends fn the connection that holds the lock, for 7 s at most; the context
// it passes ends then. It waits while a heartbeat or another Do uses it. fn must
// talk to the server and must leave no transaction open. When fn's statement was
// cut, by the deadline or by the caller's context, or when the connection died,
// the lease is lost: Do returns an error that is ErrLeaseLost, and the context of
// lead ends. An error that the server answered is passed on as it is.
func (s *Session) Do(ctx context.Context, fn func(ctx context.Context, conn *pgx.Conn) error) error {
	return s.exchange(ctx, s.timing.statement, fn)
}

func (s *Session) exchange(ctx context.Context, limit time.Duration, fn func(ctx context.Context, conn *pgx.Conn) error) error {
	select {
	case s.inUse <- struct{}{}:
		defer func() { <-s.inUse }()
	case <-s.done:
		return s.cause
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := s.Fresh(); err != nil {
		return s.end(err)
	}

	sent := time.Now()
	ctx, cancel := context.WithDeadline(ctx, s.lease.begin(sent, limit))
	defer cancel()
	err := fn(ctx, s.conn)
	_, refused := errors.AsType[*pgconn.PgError](err)
	s.lease.end(sent, err == nil || refused)

	pgConn := s.conn.PgConn()
	switch {
	case pgConn.IsClosed():
		return s.end(join("the connection is closed", err))
	case pgConn.IsBusy() || pgConn.TxStatus() != 'I':
		return s.end(join("a statement or a transaction was left open", err))
	}
	return err
}

// join makes an ErrLeaseLost of what was seen and the error that came with it,
// if any.
func join(seen string, err error) error {
	if err == nil {
		return fmt.Errorf("%w: %s", ErrLeaseLost, seen)
	}
	return fmt.Errorf("%w: %s: %w", ErrLeaseLost, seen, err)
}

// Fresh is nil while the server's last answer is younger than 8 s, and an
// ErrLeaseLost from then on. It costs nothing to ask.
func (s *Session) Fresh() error {
	select {
	case <-s.done:
		return s.cause
	default:
	}
	if now := time.Now(); !s.lease.fresh(now) {
		return fmt.Errorf("%w: no answer from the database for %s", ErrLeaseLost,
			s.lease.age(now).Round(10*time.Millisecond))
	}
	return nil
}

// end ends the session for the first reason given, and returns that reason.
func (s *Session) end(cause error) error {
	s.lost.Do(func() {
		s.cause = cause
		close(s.done)
		if s.cancel != nil {
			s.cancel(cause)
		}
	})
	return s.cause
}
