package queue

import (
	"context"
	_ "embed" // the statements
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/database"
)

//go:embed expire.sql
var expireSQL string

//go:embed orphan_slots.sql
var orphanSlotsSQL string

//go:embed rescue.sql
var rescueSQL string

//go:embed adopt.sql
var adoptSQL string

//go:embed prune.sql
var pruneSQL string

// Tidy frees what dead leaders left behind, adopts rows that are Processing
// without a claim, forgets old bookkeeping, and answers how many rows went back
// to the queue.
//
// A claim is dead when its request can no longer take effect (see deadAfter);
// until then it stays, so that nothing newer is overtaken by a half-sent
// request. The claims of this slot are its dead predecessor's, because the lock
// is ours; those of another slot are touched only while its lock could be had.
func (q *Queue) Tidy(ctx context.Context) (requeued int, err error) {
	return q.tidy(ctx, AdoptAfter)
}

func (q *Queue) tidy(ctx context.Context, adoptAfter time.Duration) (requeued int, err error) {
	err = q.do(ctx, "tidy", func(ctx context.Context, conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, expireSQL, q.opt.Destination); err != nil {
			return err
		}
		rows, err := conn.Query(ctx, orphanSlotsSQL, q.opt.Destination, q.active, q.deadAfter())
		if err != nil {
			return err
		}
		slots, err := pgx.CollectRows(rows, pgx.RowTo[int])
		if err != nil {
			return err
		}
		for _, slot := range slots {
			n, err := q.rescueSlot(ctx, conn, slot)
			if err != nil {
				return err
			}
			requeued += n
		}
		var adopted int
		if err := conn.QueryRow(ctx, adoptSQL, q.opt.Destination, adoptAfter.Seconds()).Scan(&adopted); err != nil {
			return err
		}
		requeued += adopted
		_, err = conn.Exec(ctx, pruneSQL, keepDays)
		return err
	})
	return requeued, err
}

func (q *Queue) rescueSlot(ctx context.Context, conn *pgx.Conn, slot int) (requeued int, err error) {
	if slot != q.opt.Slot {
		var got bool
		err = conn.QueryRow(ctx, armSQL, lockClass, database.SlotLock(slot)).Scan(&got)
		if err != nil || !got {
			return 0, err // held: its leader lives and settles its own
		}
		defer func() { // also after an error: nobody could lead that slot while this session lives
			if _, e := conn.Exec(ctx, disarmSQL, lockClass, database.SlotLock(slot)); e != nil {
				database.Close(ctx, conn)
				err = errors.Join(err, e)
			}
		}()
	}
	var freed int
	err = conn.QueryRow(ctx, rescueSQL, q.opt.Destination, slot, q.active, q.deadAfter(), q.opt.MaxRetries).
		Scan(&requeued, &freed)
	return requeued, err
}
