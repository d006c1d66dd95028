package database

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// PooledError says that a connection goes through a pooler that gives each
// transaction another server connection. Advisory locks, LISTEN and SET belong
// to a server connection, so behind such a pooler they are lost, or somebody
// else's, without any error.
type PooledError struct {
	Found string // what gave it away
}

// Error names the remedy.
func (e *PooledError) Error() string {
	return "the database connection goes through a pooler in transaction mode (" + e.Found +
		"), which breaks locks and notifications: set DATABASE_DIRECT_URL to the database itself, or to a pooler in session mode"
}

// probeTimeout is how long a second connection may take to prove that a pooler
// shares server connections. One that keeps it waiting has none to share.
const probeTimeout = 2 * time.Second

// refuseShared looks for a pooler that moves the connection from server to
// server. Between two statements of an idle one that is seldom seen, because the
// pooler hands out what came back last. So where the server's process id is not
// the one from the connection's start, which means that a pooler made that up,
// a second connection opens a transaction: if the server connection is shared,
// the second one gets it and the first one has to move.
func refuseShared(ctx context.Context, conn *pgx.Conn, config *pgx.ConnConfig) error {
	first, direct, err := Backend(ctx, conn)
	if err != nil || direct {
		return err
	}

	probing, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	second, err := pgx.ConnectConfig(probing, config)
	if err != nil {
		return nil // nothing is shared now; the leader proves each session again
	}
	defer Close(ctx, second)
	taken, _, err := beginOn(probing, second)
	defer func() { _, _ = second.Exec(probing, "ROLLBACK", pgx.QueryExecModeSimpleProtocol) }()
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		return &PooledError{Found: "it refuses a transaction: " + refused.Message}
	}
	if err != nil {
		return nil // it waits for a server connection of its own: session mode
	}
	if taken == first {
		return &PooledError{Found: fmt.Sprintf("two connections share server process %d", first)}
	}

	now, _, err := Backend(ctx, conn)
	if err == nil && now != first {
		err = &PooledError{Found: fmt.Sprintf("server process %d became %d", first, now)}
	}
	return err
}

func beginOn(ctx context.Context, conn *pgx.Conn) (pid uint32, direct bool, err error) {
	if _, err := conn.Exec(ctx, "BEGIN", pgx.QueryExecModeSimpleProtocol); err != nil {
		return 0, false, err
	}
	return Backend(ctx, conn)
}

// Backend asks for the process id of the server, and whether it is the one that
// was given when the connection was made.
func Backend(ctx context.Context, conn *pgx.Conn) (pid uint32, direct bool, err error) {
	// A prepared statement would not survive the very pooler this looks for; and pgx
	// itself makes no simple query where standard_conforming_strings is off.
	results, err := conn.PgConn().Exec(ctx, "SELECT pg_backend_pid()").ReadAll()
	if err != nil {
		return 0, false, fmt.Errorf("connect: %w", err)
	}
	if len(results) != 1 || len(results[0].Rows) != 1 || len(results[0].Rows[0]) != 1 {
		return 0, false, errors.New("connect: the server does not say which process it is")
	}
	number, err := strconv.ParseUint(string(results[0].Rows[0][0]), 10, 32)
	if err != nil {
		return 0, false, fmt.Errorf("connect: %w", err)
	}
	return uint32(number), uint32(number) == conn.PgConn().PID(), nil
}
