package schema

import (
	"context"
	_ "embed" // the statements
	"errors"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/scrapersky/contactsync/internal/statement"
	"github.com/scrapersky/contactsync/migrations"
)

var (
	//go:embed sessions.sql
	sessionsFile string
	sessionsSQL  = statement.Parse(sessionsFile)
)

// SQLSTATEs that are dealt with here.
const (
	stateLockNotAvailable = "55P03"
	stateDeadlock         = "40P01"
)

// retryPolicy is how a migration deals with sessions that are in its way, and which
// versions it knows.
type retryPolicy struct {
	attempts int           // how often a step is tried that is kept from its lock
	pause    time.Duration // between two tries: whoever queued up behind goes first
	watch    time.Duration // how often it is told what an index build waits for
	files    fs.FS
}

// standard is the retryPolicy of real life.
func standardPolicy() retryPolicy {
	return retryPolicy{attempts: 4, pause: time.Second, watch: 10 * time.Second, files: migrations.FS}
}

// retryLocked runs a step again while other sessions keep it from its lock, up to
// the number of attempts.
func (m *migrator) retryLocked(ctx context.Context, step func() error) error {
	for attempt := 1; ; attempt++ {
		err := step()
		refused, ok := errors.AsType[*pgconn.PgError](err)
		if !ok {
			return err
		}
		if refused.Code != stateLockNotAvailable && refused.Code != stateDeadlock {
			return err
		}
		blocked := &BlockedError{Sessions: m.sessions(ctx, m.work, sessionsSQL.Text("holders"), appName, m.tableName()), Err: err}
		if attempt == m.how.attempts {
			return blocked
		}
		m.log.WarnContext(ctx, "contacts is locked by another session; trying again",
			"attempt", attempt, "sessions", blocked.describe())
		select {
		case <-ctx.Done():
			return errors.Join(blocked, ctx.Err())
		case <-time.After(m.how.pause):
		}
	}
}

// sessions asks who is in the way. It is for people only, so that a failure to
// find out is no failure of the migration.
func (m *migrator) sessions(ctx context.Context, conn *pgx.Conn, query string, args ...any) []Session {
	rows, err := conn.Query(ctx, query, args...)
	if err != nil {
		return nil
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Session])
	if err != nil {
		m.log.DebugContext(ctx, "cannot tell who is in the way", "error", err)
		return nil
	}
	return list
}

// withLockTimeout runs a transaction that gives up rather than wait long for a lock,
// because whoever writes to contacts queues up behind it.
func (m *migrator) withLockTimeout(ctx context.Context, do func(tx pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, m.work, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '3s'"); err != nil {
			return err
		}
		return do(tx)
	})
}
