package queue

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/database"
)

// AdoptAfter is how long a row may be Processing without a claim before a leader
// puts it back into the queue.
const AdoptAfter = 15 * time.Minute

// keepDays is how long cycles and failures are remembered.
const keepDays = 30

// Maintain lifts the quarantines that are over, rescues what dead leaders left
// behind, adopts rows that are Processing without a claim, prunes old bookkeeping,
// and returns how many rows went back to the queue.
//
// A claim is dead when its request can no longer take effect (see deadAfter);
// until then it stays, so that nothing newer is overtaken by a half-sent
// request. The claims of this slot are its dead predecessor's, because the lock
// is ours; those of another slot are touched only while its lock could be had.
func (q *Queue) Maintain(ctx context.Context) (requeued int, err error) {
	err = q.do(ctx, "maintain", func(ctx context.Context, conn *pgx.Conn) error {
		if err := q.expireQuarantine(ctx, conn); err != nil {
			return err
		}
		rescued, err := q.rescue(ctx, conn)
		requeued += rescued
		if err != nil {
			return err
		}
		adopted, err := q.adopt(ctx, conn)
		requeued += adopted
		if err != nil {
			return err
		}
		return q.prune(ctx, conn)
	})
	return requeued, err
}

func (q *Queue) expireQuarantine(ctx context.Context, conn *pgx.Conn) error {
	return q.sql.Exec(ctx, conn, "expire_quarantine", pgx.NamedArgs{"destination": q.name})
}

// rescue frees the claims of dead leaders, slot by slot.
func (q *Queue) rescue(ctx context.Context, conn *pgx.Conn) (requeued int, err error) {
	rows, err := q.sql.Query(ctx, conn, "dead_slots", pgx.NamedArgs{
		"destination": q.name, "active": q.active, "dead_after": q.deadAfter(),
	})
	if err != nil {
		return 0, err
	}
	slots, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		return 0, err
	}
	for _, slot := range slots {
		n, err := q.rescueSlot(ctx, conn, slot)
		if err != nil {
			return requeued, err
		}
		requeued += n
	}
	return requeued, nil
}

func (q *Queue) rescueSlot(ctx context.Context, conn *pgx.Conn, slot int) (requeued int, err error) {
	if slot != q.opt.Slot {
		var got bool
		err = q.sql.QueryRow(ctx, conn, "try_lock", q.slotLock(slot)).Scan(&got)
		if err != nil || !got {
			return 0, err // held: its leader lives and settles its own
		}
		defer func() { // also after an error: nobody could lead that slot while this session lives
			if e := q.sql.Exec(ctx, conn, "unlock", q.slotLock(slot)); e != nil {
				database.Close(ctx, conn)
				err = errors.Join(err, e)
			}
		}()
	}
	var freed int
	err = q.sql.QueryRow(ctx, conn, "rescue", pgx.NamedArgs{
		"destination": q.name, "slot": slot, "active": q.active,
		"dead_after": q.deadAfter(), "max_retries": q.opt.MaxRetries,
	}).Scan(&requeued, &freed)
	return requeued, err
}

// adopt puts rows back that are Processing although nobody works on them.
func (q *Queue) adopt(ctx context.Context, conn *pgx.Conn) (adopted int, err error) {
	err = q.sql.QueryRow(ctx, conn, "adopt", pgx.NamedArgs{
		"destination": q.name, "after": AdoptAfter.Seconds(),
	}).Scan(&adopted)
	return adopted, err
}

// prune forgets old bookkeeping.
func (q *Queue) prune(ctx context.Context, conn *pgx.Conn) error {
	return q.sql.Exec(ctx, conn, "prune", pgx.NamedArgs{"days": keepDays})
}
