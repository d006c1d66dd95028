package pgtest

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// keeperLock is the advisory lock class of test processes on a server that is
// not their own; the object is a process's mark.
const keeperLock int32 = 1668507252

// keep holds this process's mark for as long as it lives, and drops what
// processes left behind that were killed: their marks are free.
func (s *server) keep(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return err
	}
	s.keeper = conn
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1, $2)", keeperLock, int32(s.mark)); err != nil {
		return err
	}
	rows, err := conn.Query(ctx, `SELECT datname::text FROM pg_database WHERE datname ~ '^cstest_[0-9]+_[0-9]+$'`)
	if err != nil {
		return err
	}
	databases, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range databases {
		if err := s.dropIfLeft(ctx, name); err != nil {
			return err
		}
	}
	if err := s.dropWorkersLeft(ctx); err != nil {
		return err
	}
	s.stop = func() error {
		// The template goes while the mark still protects it.
		ctx := context.WithoutCancel(ctx)
		_, err := conn.Exec(ctx, "DROP DATABASE IF EXISTS "+s.name(0)+" WITH (FORCE)")
		if err == nil {
			_, err = conn.Exec(ctx, "DROP ROLE IF EXISTS "+workerOf(s.mark))
		}
		return errors.Join(err, conn.Close(ctx))
	}
	return nil
}

func (s *server) dropIfLeft(ctx context.Context, name string) error {
	var mark uint32
	var n int64
	if _, err := fmt.Sscanf(name, "cstest_%d_%d", &mark, &n); err != nil {
		return nil //nolint:nilerr // not one of ours after all
	}
	return s.ifLeft(ctx, mark, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
}

// dropWorkersLeft drops the workers' roles of processes that were killed, whose
// databases are gone by now.
func (s *server) dropWorkersLeft(ctx context.Context) error {
	rows, err := s.keeper.Query(ctx, `SELECT rolname::text FROM pg_roles WHERE rolname ~ '^cstest_worker_[0-9]+$'`)
	if err != nil {
		return err
	}
	left, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range left {
		var mark uint32
		if _, err := fmt.Sscanf(name, "cstest_worker_%d", &mark); err != nil {
			continue
		}
		if err := s.ifLeft(ctx, mark, "DROP ROLE IF EXISTS "+name); err != nil {
			return err
		}
	}
	return nil
}

// ifLeft runs a statement if the process with that mark is gone.
func (s *server) ifLeft(ctx context.Context, mark uint32, statement string) error {
	if mark == s.mark {
		return nil
	}
	free, err := one[bool](ctx, s.keeper, "SELECT pg_try_advisory_lock($1, $2)", keeperLock, int32(mark))
	if err != nil || !free {
		return err
	}
	if _, err := s.keeper.Exec(ctx, statement); err != nil {
		return err
	}
	_, err = s.keeper.Exec(ctx, "SELECT pg_advisory_unlock($1, $2)", keeperLock, int32(mark))
	return err
}
