package schema

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/destination"
)

// The lock of whoever migrates: contactsync's class, and an object of its own beside
// the doorbells and the slots of all destinations.
const (
	lockClass  int32 = destination.LockClass
	lockObject int32 = 2
)

// lockInterval is how often the lock is tried.
const lockInterval = 100 * time.Millisecond

// lockMigrations makes this run the only one, for as long as conn lives. The lock
// is tried, never waited for: a blocked waiter holds a snapshot, and the other
// run's CREATE INDEX CONCURRENTLY would wait for that one in turn. It is a
// transaction's lock, because a session's would stay behind in a pooler. The
// idle transaction that holds it has no snapshot (conn must speak the simple
// protocol for that) and is in nobody's way.
func lockMigrations(ctx context.Context, conn *pgx.Conn, log *slog.Logger) error {
	tick := time.NewTicker(lockInterval)
	defer tick.Stop()
	for told := false; ; told = true {
		got, err := tryLock(ctx, conn)
		if err != nil {
			return fmt.Errorf("lock out other migrations: %w", err)
		}
		if got {
			return nil
		}
		if !told {
			log.InfoContext(ctx, "another migration is running; waiting for it to end")
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for another migration to end: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

func tryLock(ctx context.Context, conn *pgx.Conn) (got bool, err error) {
	if _, err := conn.Exec(ctx, "BEGIN"); err != nil {
		return false, err
	}
	err = conn.QueryRow(ctx, "SELECT pg_try_advisory_xact_lock($1, $2)", lockClass, lockObject).Scan(&got)
	if err != nil || got {
		return got, err
	}
	_, err = conn.Exec(ctx, "ROLLBACK")
	return false, err
}
