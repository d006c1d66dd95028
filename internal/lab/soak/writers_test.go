package soak

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Who writes.
const (
	writers   = 6
	strangers = 2
	thinkMost = 60 * time.Millisecond // between two acts of one of them
)

// writer is one app's connection and what it does on it.
type writer struct {
	*world

	name string
	r    *rand.Rand
	conn *pgx.Conn
	told *receipts
}

// receipts is what apps were told about their transactions, by the token that each
// transaction leaves in the rows it changes.
type receipts struct {
	versions atomic.Int64 // the newest version; each attempt to change a row has one of its own

	mu        sync.Mutex
	committed []string
	undone    []string
}

// write lets apps and strangers act until ctx ends.
func (w *world) write(ctx context.Context, told *receipts) {
	var all sync.WaitGroup
	defer all.Wait()
	for i := range writers {
		one := &writer{world: w, name: fmt.Sprint("app ", i+1), r: w.plan.random(fmt.Sprint("app ", i)), told: told}
		all.Go(func() { one.live(ctx, forms(), w.gate.RLocker()) })
	}
	for i := range strangers {
		one := &writer{world: w, name: fmt.Sprint("app, stranger ", i+1), r: w.plan.random(fmt.Sprint("stranger ", i)), told: told}
		all.Go(func() { one.live(ctx, strangerForms(), &sync.Mutex{}) }) // a calm does not stop them
	}
}

// live does one thing after the other, each while the gate is open. What was begun is finished, or fails, when
// ctx ends.
func (a *writer) live(ctx context.Context, all []form, gate sync.Locker) {
	whole := context.WithoutCancel(ctx)
	defer func() {
		if a.conn != nil {
			_ = a.conn.Close(whole)
		}
	}()
	for pause(ctx, between(a.r, 0, thinkMost)) {
		gate.Lock()
		if ctx.Err() == nil {
			a.act(whole, choose(a.r, all, func(f form) int { return f.weight }))
		}
		gate.Unlock()
	}
}

// actMost is how long one act may take, the waiting for others' locks included.
const actMost = 30 * time.Second

// act does one thing, and tells the books how it ended.
func (a *writer) act(ctx context.Context, f form) {
	ctx, cancel := context.WithTimeout(ctx, actMost)
	defer cancel()
	if a.conn == nil || a.conn.IsClosed() {
		config, err := pgx.ParseConfig(a.url)
		if err != nil {
			a.Error(err)
			return
		}
		config.RuntimeParams["application_name"] = a.name
		if a.conn, err = pgx.ConnectConfig(ctx, config); err != nil {
			a.count.add("app: no connection", 1)
			a.conn = nil
			pause(ctx, 50*time.Millisecond)
			return
		}
	}
	err := f.do(ctx, a)
	switch refused, ok := errors.AsType[*pgconn.PgError](err); {
	case err == nil:
		a.count.add("form: "+f.name, 1)
	case ok && (refused.Code == "40P01" || refused.Code == "40001"):
		a.count.add("app: deadlock or serialization failure, given up", 1)
	case ok && refused.Code == "0A000":
		a.count.add("app: PREPARE TRANSACTION refused because it rang", 1)
	case ok && refused.Code[:2] != "57":
		a.Errorf("%s: %s: %v", a.name, f.name, err)
	default:
		a.count.add("app: connection lost on the way", 1)
		_ = a.conn.Close(ctx)
	}
}

// tx is a transaction of an app. It has a token, which the rows that it changes
// bear.
type tx struct {
	pgx.Tx

	a     *writer
	token string
	wrote bool
}

// in runs a transaction. change says that it is to be committed; the receipt is
// kept for the check of the books. Isolation is any of the three.
func (a *writer) in(ctx context.Context, change func(t *tx) (commit bool, err error)) error {
	levels := []pgx.TxIsoLevel{pgx.ReadCommitted, pgx.ReadCommitted, pgx.ReadCommitted, pgx.RepeatableRead, pgx.Serializable}
	begun, err := a.conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: levels[a.r.IntN(len(levels))]})
	if err != nil {
		return err
	}
	t := &tx{Tx: begun, a: a, token: a.token()}
	defer func() { _ = begun.Rollback(ctx) }() // nothing is left to roll back when all went well
	commit, err := change(t)
	if err != nil || !commit {
		a.told.undo(t)
		return err
	}
	err = begun.Commit(ctx)
	a.told.end(t, err)
	return err
}

// token is a new one.
func (a *writer) token() string { return fmt.Sprintf("%s/%d", a.name, a.told.versions.Add(1)) }

// once runs one statement of its own that changes a row.
func (a *writer) once(ctx context.Context, sql string, args ...any) error {
	token := a.token()
	tag, err := a.conn.Exec(ctx, sql, append([]any{token}, args...)...)
	a.told.end(&tx{token: token, wrote: tag.RowsAffected() > 0}, err)
	return err
}

// end notes how a COMMIT was answered. An answer that was lost says nothing: then
// both are right.
func (r *receipts) end(t *tx, err error) {
	_, refused := errors.AsType[*pgconn.PgError](err)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err == nil && t.wrote:
		r.committed = append(r.committed, t.token)
	case err != nil && refused && !isEnd(err):
		r.undone = append(r.undone, t.token)
	}
}

// undo notes that a transaction is never committed.
func (r *receipts) undo(t *tx) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.undone = append(r.undone, t.token)
}

// isEnd says that the server ended the session, perhaps after the commit.
func isEnd(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code[:2] == "57"
}
