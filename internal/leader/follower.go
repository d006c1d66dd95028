package leader

import (
	"context"
	_ "embed" // the statements
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/statement"
)

//go:embed leader.sql
var leaderSQL string

// statements renders the statements. None of them knows the app's table.
func statements(d destination.Info) statement.Statements {
	return statement.Parse(leaderSQL).All(statement.For(statement.Table{}, d, d))
}

// errStopped is the outcome of waiting when stop ended first.
var errStopped = errors.New("stopped waiting for a slot")

// errReadOnly is the outcome of waiting on a session that could not do a leader's
// work. A setting of the database or the role is a session's for good, so another
// session is tried.
var errReadOnly = errors.New("the database takes no writes: it is a standby, or default_transaction_read_only is on")

// acquire waits on this connection until a slot is its own, and proves it.
//
// Statements here are not cut when stop ends: they take less than a second, and
// the server logs an error for each one that is cut.
func (c *candidate) acquire(stop context.Context, conn *pgx.Conn) (*Session, error) {
	if err := c.startLease(stop, conn); err != nil {
		return nil, err
	}
	for stop.Err() == nil {
		won, err := c.wait(stop, conn)
		if err != nil {
			return nil, err
		}
		if won.readOnly {
			return nil, errReadOnly
		}
		c.databaseBack(stop)
		if slot, ok := c.slot(won); ok && stop.Err() == nil {
			return c.prove(stop, conn, slot, won)
		}
		c.backoff.reset()
		if !c.waiting {
			c.waiting = true
			c.log.InfoContext(stop, "waiting for a slot", "slots", c.cfg.Slots)
		}
		c.runHook(stop, conn, c.cfg.OnWait)
	}
	c.runHook(stop, conn, c.cfg.OnExit)
	return nil, errStopped
}

// runHook lets a hook use the waiting connection.
func (c *candidate) runHook(stop context.Context, conn *pgx.Conn, hook func(ctx context.Context, conn *pgx.Conn)) {
	ctx, cancel := c.deadline(stop)
	defer cancel()
	hook(ctx, conn)
}

// startLease makes the server end this session when it is silent for too long.
// It starts before the waiting, because a frozen follower may win.
func (c *candidate) startLease(stop context.Context, conn *pgx.Conn) error {
	ctx, cancel := c.deadline(stop)
	defer cancel()
	lease := milliseconds(c.cfg.timing.lease)
	cut := milliseconds(c.cfg.timing.statement - c.cfg.timing.margin/2)
	batch := &pgx.Batch{}
	c.sql.Queue(batch, "lease", pgx.NamedArgs{"lease": lease, "cut": cut, "wait": milliseconds(c.cfg.timing.wait)})
	c.sql.Queue(batch, "portable", nil)
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("start the lease (PostgreSQL 14 or later is needed): %w", err)
	}
	return nil
}

// wait takes a slot that is free or becomes free while it queues at one of them,
// and then asks what it holds. Its own outcome would not do as the answer: a lock
// can be granted in the moment the waiting times out, and stays. It also ends the
// sessions of leaders that went silent where no timeout of the server counts.
func (c *candidate) wait(stop context.Context, conn *pgx.Conn) (holding, error) {
	ctx, cancel := c.deadline(stop)
	defer cancel()
	var h holding
	var silent []uint32
	batch := &pgx.Batch{}
	c.sql.Queue(batch, "slots", c.locks())
	c.sql.Queue(batch, "take", nil)
	c.sql.Queue(batch, "held", c.locks()).QueryRow(h.scan)
	c.sql.Queue(batch, "silent", pgx.NamedArgs{
		"class": destination.LockClass, "locks": c.order(), "lease": milliseconds(c.cfg.timing.lease),
	}).Query(func(rows pgx.Rows) (err error) {
		silent, err = pgx.CollectRows(rows, pgx.RowTo[uint32])
		return err
	})
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		return holding{}, fmt.Errorf("wait for a slot: %w", err)
	}
	for _, pid := range silent {
		c.log.WarnContext(stop, "ended the session of a leader that went silent in the middle of a statement", "server_process", pid)
	}
	c.first = (c.first + 1) % c.cfg.Slots
	return h, nil
}

// locks returns the arguments that name the locks of all slots.
func (c *candidate) locks() pgx.NamedArgs {
	return pgx.NamedArgs{"class": destination.LockClass, "locks": c.order()}
}

// order returns the keys of the locks, beginning with the one to queue at.
func (c *candidate) order() []int32 {
	order := make([]int32, c.cfg.Slots)
	for i := range order {
		order[i] = c.lock(c.cfg.First + (c.first+i)%c.cfg.Slots)
	}
	return order
}

// lock returns the key of a slot's lock.
func (c *candidate) lock(slot int) int32 { return int32(c.cfg.Destination.SlotLock(slot)) }

// slot returns the slot that is held, the lowest one of several.
func (c *candidate) slot(h holding) (slot int, ok bool) {
	for slot := c.cfg.First; slot < c.cfg.First+c.cfg.Slots; slot++ {
		if slices.Contains(h.slots, c.lock(slot)) {
			return slot, true
		}
	}
	return 0, false
}

// prove asks again, in a statement of its own, so that a pooler that gives each
// transaction another server connection is found out, and a session that ended
// while this process was frozen.
func (c *candidate) prove(stop context.Context, conn *pgx.Conn, slot int, won holding) (*Session, error) {
	ctx, cancel := c.deadline(stop)
	defer cancel()
	var now holding
	sent := time.Now()
	if err := now.scan(c.sql.QueryRow(ctx, conn, "held", c.locks())); err != nil {
		return nil, fmt.Errorf("prove slot %d: %w", slot, err)
	}
	switch {
	case now.pid != won.pid:
		return nil, &PooledError{Found: fmt.Sprintf("server process %d became %d", won.pid, now.pid)}
	case !slices.Contains(now.slots, c.lock(slot)):
		return nil, &PooledError{Found: "a lock that was just taken is gone"}
	case !now.worker:
		return nil, &PooledError{Found: "a setting that was just made is gone"}
	}
	return newSession(conn, slot, c.cfg, sent), nil
}

func (c *candidate) deadline(stop context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(stop), c.cfg.timing.waitDeadline)
}

// holding is what a session is, seen from the server.
type holding struct {
	pid    uint32
	slots  []int32 // objects of the locks it holds
	worker bool    // the triggers know it as a worker's

	readOnly bool // it cannot write
}

func (h *holding) scan(row pgx.Row) error {
	return row.Scan(&h.pid, &h.slots, &h.worker, &h.readOnly)
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) + "ms" }
