package schema

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// SQLSTATEs that are dealt with here.
const (
	stateLockNotAvailable = "55P03"
	stateDeadlock         = "40P01"
	stateUnsuitable       = "CS001" // raised by our own migrations
)

// timing is how a migration deals with sessions that are in its way.
type timing struct {
	attempts int           // how often a step is tried that is kept from its lock
	pause    time.Duration // between two tries: whoever queued up behind goes first
	watch    time.Duration // how often it is told what an index build waits for
}

// standard is the timing of real life.
func standard() timing {
	return timing{attempts: 4, pause: time.Second, watch: 10 * time.Second}
}

// patiently runs a step again while other sessions keep it from its lock, up to
// the number of attempts.
func (m *migrator) patiently(ctx context.Context, step func() error) error {
	for attempt := 1; ; attempt++ {
		err := step()
		refused, ok := errors.AsType[*pgconn.PgError](err)
		if !ok {
			return err
		}
		switch refused.Code {
		case stateLockNotAvailable, stateDeadlock:
		case stateUnsuitable:
			return &UnsuitableError{
				Problems: strings.Split(refused.Message, "\n"),
				Remedies: strings.Split(refused.Hint, "\n"),
			}
		default:
			return err
		}

		blocked := &BlockedError{Sessions: m.sessions(ctx, m.work, holdersSQL, appName), Err: err}
		if attempt == m.timing.attempts {
			return blocked
		}
		m.log.WarnContext(ctx, "contacts is locked by another session; trying again",
			"attempt", attempt, "sessions", blocked.describe())
		select {
		case <-ctx.Done():
			return errors.Join(blocked, ctx.Err())
		case <-time.After(m.timing.pause):
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
