package queue

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Seen is the highest number of a cycle that a process has drawn, over all the queues of
// a destination that it had. A lower one comes from a database that went back in time.
type Seen struct{ highest atomic.Int64 }

func (s *Seen) note(number int64) {
	if s != nil {
		s.highest.Store(max(s.highest.Load(), number))
	}
}

func (s *Seen) number() int64 {
	if s == nil {
		return 0
	}
	return s.highest.Load()
}

// origin makes void what is remembered as sent where the database is not the one that
// remembered it: one that was restored from a backup, or from a moment of the past, or
// copied. It returns whether that was so.
func (q *Queue) origin(ctx context.Context, conn *pgx.Conn, highest int64) (moved bool, err error) {
	var server []string
	for _, part := range []string{"system", "timeline"} {
		var text string
		err := q.sql.QueryRow(ctx, conn, part, nil).Scan(&text)
		if _, isAnswer := errors.AsType[*pgconn.PgError](err); err != nil && !isAnswer {
			return false, err
		}
		server = append(server, text) // empty where the server does not tell: then the counter alone does
	}
	err = q.sql.QueryRow(ctx, conn, "origin", pgx.NamedArgs{
		"server":      strings.Join(server, "/"),
		"destination": q.name, "number": q.numbers[0], "highest": highest,
	}).Scan(&moved)
	return moved, err
}
