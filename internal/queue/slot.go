package queue

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/queue/columns"
)

// Enter opens the queue: it records who leads the slot, and makes sure of what
// the statements rely on. The error is a *columns.Error where an extra column
// cannot be sent.
func (q *Queue) Enter(ctx context.Context) error {
	return q.do(ctx, fmt.Sprintf("enter slot %d", q.opt.Slot), func(ctx context.Context, conn *pgx.Conn) error {
		extra, err := columns.Find(ctx, conn, q.opt.Target.Table, q.opt.Extra)
		if err != nil {
			return err
		}
		traced, err := q.traced(ctx, conn)
		if err != nil {
			return err
		}
		q.sql = render(q.opt.Target, extra, traced)

		batch := &pgx.Batch{}
		// The last look must see what was committed before the doorbell was
		// locked, so each statement needs a snapshot of its own.
		batch.Queue("SET default_transaction_isolation = 'read committed'")
		for _, setting := range plannerOff {
			batch.Queue("SET " + setting + " = off")
		}
		if q.leads() {
			q.sql.Queue(batch, "enter", pgx.NamedArgs{
				"destination": q.name, "slot": q.opt.Slot, "instance": q.opt.Instance, "forgetful": !q.opt.Remember,
			})
			if !q.opt.Remember {
				q.sql.Queue(batch, "forget", pgx.NamedArgs{"destination": q.name})
			}
		}
		highest := q.opt.Seen.number()
		q.drawNumber(batch)
		if err := conn.SendBatch(ctx, batch).Close(); err != nil || !q.opt.Remember {
			return err
		}
		moved, err := q.origin(ctx, conn, highest)
		if moved && q.opt.OnMoved != nil {
			q.opt.OnMoved(ctx)
		}
		return err
	})
}

// leads says whether the slot is a leader's. A command does not lead.
func (q *Queue) leads() bool { return q.opt.Slot < destination.ManualSlot }

// traced says whether claims bring the column traceparent along: it is wanted, the app
// has it and this role may read it.
func (q *Queue) traced(ctx context.Context, conn *pgx.Conn) (readable bool, err error) {
	if !q.opt.Traced {
		return false, nil
	}
	err = q.sql.QueryRow(ctx, conn, "traceparent", pgx.NamedArgs{"table": q.opt.Target.Table.Name}).Scan(&readable)
	return readable, err
}

// Leave gives the slot's row back and rings once, so that whoever leads next,
// or leads beside, looks at what was released.
func (q *Queue) Leave(ctx context.Context) error {
	return q.do(ctx, "leave", func(ctx context.Context, conn *pgx.Conn) error {
		batch := &pgx.Batch{}
		q.sql.Queue(batch, "leave", pgx.NamedArgs{"destination": q.name, "slot": q.opt.Slot, "instance": q.opt.Instance})
		q.sql.Queue(batch, "ring", ring())
		return conn.SendBatch(ctx, batch).Close()
	})
}

// ShowPause writes down that the account is paused, for whoever looks at the
// installation from another process; a nil pause says that it is over.
func (q *Queue) ShowPause(ctx context.Context, pause *contact.AccountPause) error {
	return q.do(ctx, "show the pause", func(ctx context.Context, conn *pgx.Conn) error {
		var code, reason *string
		var lasts time.Duration
		if pause != nil {
			c, r := string(pause.Code), printable(pause.Reason)
			code, reason, lasts = &c, &r, pause.For
		}
		return q.sql.Exec(ctx, conn, "pause", pgx.NamedArgs{
			"destination": q.name, "slot": q.opt.Slot, "code": code, "reason": reason, "seconds": lasts.Seconds(),
		})
	})
}

// MakeDue makes rows due at once that are in back-off for one of the codes, at
// most so many, and returns how many. The codes are those for which the account,
// not the row, was to blame.
func (q *Queue) MakeDue(ctx context.Context, codes []contact.Code, most int) (n int, err error) {
	err = q.do(ctx, "make rows due", func(ctx context.Context, conn *pgx.Conn) error {
		return q.sql.QueryRow(ctx, conn, "make_due", pgx.NamedArgs{"codes": codes, "most": most}).Scan(&n)
	})
	return n, err
}
