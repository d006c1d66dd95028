package leader

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/database"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/statement"
)

// PooledError reports that the connection goes through a pooler that breaks locks.
type PooledError = database.PooledError

// Config is who runs for which slots.
type Config struct {
	// Connect opens a connection of its own for each attempt; Run closes it.
	Connect func(ctx context.Context) (*pgx.Conn, error)

	Destination destination.Info // whose slots
	Slots       int              // how many leaders there may be, 1 or more
	First       int              // the number of the first slot; 0 but for commands
	Instance    string           // for the log: this process
	Log         *slog.Logger

	// Beat is the heartbeat's statement. Nil asks for nothing but an answer.
	Beat func(ctx context.Context, conn *pgx.Conn) error

	// OnWait is called about once a second on the connection that waits for a
	// slot, between two waits, and OnExit when the waiting ends for good because stop
	// did. Each has 3 s, and logs its own errors. Nil stands for nothing.
	OnWait, OnExit func(ctx context.Context, conn *pgx.Conn)

	// OnDisconnect is called with the reason whenever there is no connection to wait
	// on, and with nil when there is one. Nil stands for nothing.
	OnDisconnect func(err error)

	timing timing // the zero value stands for defaultTiming
}

// Run waits for a slot, calls lead while it is held, frees it and goes on
// waiting, until stop ends; then it returns nil. A database that cannot be
// reached is waited for, and an error of lead is logged, both with back-off. The
// one error it returns is a *PooledError, since waiting does not help against it.
//
// The context of lead ends when the lease is lost (context.Cause is then an
// ErrLeaseLost) or when hard ends. An orderly stop does not end it: lead watches
// stop itself, and the slot is held until it has returned.
func Run(stop, hard context.Context, cfg Config, lead func(ctx context.Context, s *Session) error) error {
	if cfg.timing == (timing{}) {
		cfg.timing = defaultTiming()
	}
	if cfg.Beat == nil {
		cfg.Beat = ping
	}
	if cfg.OnWait == nil {
		cfg.OnWait = func(context.Context, *pgx.Conn) {}
	}
	if cfg.OnExit == nil {
		cfg.OnExit = func(context.Context, *pgx.Conn) {}
	}
	if cfg.OnDisconnect == nil {
		cfg.OnDisconnect = func(error) {}
	}
	if cfg.Slots < 1 {
		return fmt.Errorf("lead: %d slots", cfg.Slots)
	}
	cfg.Log = cfg.Log.With("destination", cfg.Destination.Name, "instance", cfg.Instance)

	// Either end ends the waiting.
	stop, cancel := context.WithCancel(stop)
	defer cancel()
	defer context.AfterFunc(hard, cancel)()

	c := newCandidate(cfg)
	c.first = rand.IntN(cfg.Slots)
	for stop.Err() == nil {
		err := c.attempt(stop, hard, lead)
		if pooled, ok := errors.AsType[*PooledError](err); ok && stop.Err() == nil {
			return fmt.Errorf("wait for a slot: %w", pooled)
		}
		if stop.Err() == nil {
			c.backoff.pause(stop)
		}
	}
	return nil
}

// candidate is one process on its way to a slot, again and again.
type candidate struct {
	cfg     Config
	log     *slog.Logger
	sql     statement.Statements
	backoff backoff
	first   int  // the slot to queue at next
	waiting bool // it was logged that all slots are taken
	away    bool // it was logged that the database is away
}

func newCandidate(cfg Config) *candidate {
	return &candidate{
		cfg: cfg, log: cfg.Log, sql: statements(cfg.Destination),
		backoff: backoff{min: cfg.timing.retryMin, max: cfg.timing.retryMax},
	}
}

// attempt is the life of one connection. The lock is freed by closing it, whatever
// happened to it before.
func (c *candidate) attempt(stop, hard context.Context, lead func(ctx context.Context, s *Session) error) error {
	conn, err := c.cfg.Connect(stop)
	if err != nil {
		return c.databaseAway(stop, err)
	}
	defer database.Close(stop, conn)
	session, err := c.acquire(stop, conn)
	if err != nil {
		return c.databaseAway(stop, err)
	}
	c.lead(stop, hard, session, lead)
	return nil
}

// lead leads, and logs the beginning and the end.
func (c *candidate) lead(stop, hard context.Context, s *Session, lead func(ctx context.Context, s *Session) error) {
	c.waiting = false
	c.log.InfoContext(hard, "leading", "slot", s.slot)
	began := time.Now()
	err := s.run(hard, lead)
	held := time.Since(began)
	switch {
	case errors.Is(s.cause, errDone) && (err == nil || stop.Err() != nil):
		c.log.InfoContext(hard, "stopped leading", "slot", s.slot, "held", held)
	case errors.Is(s.cause, errDone):
		c.log.ErrorContext(hard, "stopped leading after an error", "slot", s.slot, "held", held, "error", err)
	default:
		c.log.WarnContext(hard, "lost the slot", "slot", s.slot, "held", held, "error", s.cause)
	}
	if held > c.cfg.timing.retryMax { // else what ended it may end it again at once
		c.backoff.reset()
	}
}

// databaseAway logs once that there is no connection, and returns the error.
func (c *candidate) databaseAway(stop context.Context, err error) error {
	if stop.Err() != nil {
		return err
	}
	c.cfg.OnDisconnect(err)
	if !c.away {
		c.away = true
		c.log.WarnContext(stop, "no database connection to wait for a slot, trying again", "error", err)
	}
	return err
}

// databaseBack logs once that there is one again.
func (c *candidate) databaseBack(stop context.Context) {
	c.cfg.OnDisconnect(nil)
	if c.away {
		c.away = false
		c.log.InfoContext(stop, "the database connection to wait for a slot is back")
	}
}
