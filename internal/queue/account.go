package queue

import (
	"context"
	_ "embed" // the statements
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/contact"
)

//go:embed pause.sql
var pauseSQL string

//go:embed resume.sql
var resumeSQL string

// ShowPause writes down that the account is paused, for whoever looks at the
// installation from another process; a nil pause says that it is over.
func (q *Queue) ShowPause(ctx context.Context, pause *contact.Pause) error {
	return q.do(ctx, "show the pause", func(ctx context.Context, conn *pgx.Conn) error {
		var code, reason *string
		var lasts time.Duration
		if pause != nil {
			c, r := string(pause.Code), printable(pause.Reason)
			code, reason, lasts = &c, &r, pause.For
		}
		_, err := conn.Exec(ctx, pauseSQL, q.opt.Destination, q.opt.Slot, code, reason, lasts.Seconds())
		return err
	})
}

// Resume makes rows due at once that are in back-off for one of the codes, at
// most so many, and answers how many. The codes are those for which the account,
// not the row, was to blame.
func (q *Queue) Resume(ctx context.Context, codes []contact.Code, most int) (n int, err error) {
	err = q.do(ctx, "resume", func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, resumeSQL, codes, most).Scan(&n)
	})
	return n, err
}
