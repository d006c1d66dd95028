package queue

import (
	"context"
	"errors"
	"maps"
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
// behind, sends again what something older may have overwritten, adopts rows that are
// Processing without a claim, gives those a place in the queue that have none, prunes old
// bookkeeping, and returns how many rows went back to the queue. A row that refuses to be
// written keeps no other one waiting.
//
// A claim is dead when its request is over (see deadAfter);
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
		doubted, err := q.endDoubts(ctx, conn)
		requeued += doubted
		if err != nil {
			return err
		}
		adopted, err := q.adopt(ctx, conn)
		requeued += adopted
		if err != nil {
			return err
		}
		if err := q.date(ctx, conn); err != nil {
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
		"destination": q.name, "active": q.active,
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
	return q.rescueClaims(ctx, conn, slot)
}

// rescueClaims rescues the dead claims of a slot: one by one where the database refuses
// to let one of their rows be written.
func (q *Queue) rescueClaims(ctx context.Context, conn *pgx.Conn, slot int) (requeued int, err error) {
	dead := pgx.NamedArgs{"destination": q.name, "slot": slot, "active": q.active}
	rescue := func(only []string) (n int, err error) {
		args := maps.Clone(dead)
		args["max_retries"], args["doubt"], args["only"] = q.opt.MaxRetries, q.opt.Doubt.Seconds(), only
		var freed int
		err = q.sql.QueryRow(ctx, conn, "rescue", args).Scan(&n, &freed)
		return n, err
	}
	if requeued, err = rescue(nil); !refused(ctx, err) {
		return requeued, err
	}
	ids, err := q.ids(ctx, conn, "dead", dead)
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		n, err := rescue([]string{id})
		requeued += n
		if refused(ctx, err) {
			err = q.putOff(ctx, conn, err, id)
		}
		if err != nil {
			return requeued, err
		}
	}
	return requeued, nil
}

// putOff leaves a dead claim alone for a while whose row refuses to be written.
func (q *Queue) putOff(ctx context.Context, conn *pgx.Conn, cause error, id string) error {
	number, err := q.noticeOn(ctx, conn, refusalOf(stageRequeue, cause), cause, id, leaveAloneFor)
	if err != nil {
		return err
	}
	return q.sql.Exec(ctx, conn, "put_off", pgx.NamedArgs{
		"ids": []string{id}, "refusal": number, "seconds": leaveAloneFor.Seconds(), "destination": q.name, "active": q.active,
	})
}

// endDoubts queues again what was sent while something older could still come: key by
// key where the database refuses to let one of their rows be written.
func (q *Queue) endDoubts(ctx context.Context, conn *pgx.Conn) (again int, err error) {
	if again, err = q.endTheseDoubts(ctx, conn, nil); !refused(ctx, err) {
		return again, err
	}
	rows, err := q.sql.Query(ctx, conn, "due_doubts", pgx.NamedArgs{"destination": q.name})
	if err != nil {
		return 0, err
	}
	type doubt struct {
		Key []byte
		ID  string
	}
	due, err := pgx.CollectRows(rows, pgx.RowToStructByPos[doubt])
	if err != nil {
		return 0, err
	}
	for _, d := range due {
		n, err := q.endTheseDoubts(ctx, conn, [][]byte{d.Key})
		again += n
		if refused(ctx, err) {
			err = q.putOffDoubts(ctx, conn, refusalOf(stageRequeue, err), err, d.ID, d.Key)
		}
		if err != nil {
			return again, err
		}
	}
	return again, nil
}

// endTheseDoubts ends the doubts of keys, nil for all, and puts those off whose rows a
// trigger skips.
func (q *Queue) endTheseDoubts(ctx context.Context, conn *pgx.Conn, only [][]byte) (again int, err error) {
	var keys [][]byte
	var ids []string
	err = q.sql.QueryRow(ctx, conn, "end_doubts", pgx.NamedArgs{"destination": q.name, "only": only}).Scan(&again, &keys, &ids)
	if err != nil || len(keys) == 0 {
		return again, err
	}
	r := vetoed
	r.stage = stageRequeue
	return again, q.putOffDoubts(ctx, conn, r, nil, ids[0], keys...)
}

// putOffDoubts leaves doubts alone for a while, because the row refuses to be queued again.
func (q *Queue) putOffDoubts(ctx context.Context, conn *pgx.Conn, r refusal, cause error, id string, keys ...[]byte) error {
	if _, err := q.noticeOn(ctx, conn, r, cause, id, leaveAloneFor); err != nil {
		return err
	}
	return q.sql.Exec(ctx, conn, "put_off_doubts", pgx.NamedArgs{"destination": q.name, "keys": keys, "seconds": leaveAloneFor.Seconds()})
}

// adopt puts rows back that are Processing although nobody works on them.
func (q *Queue) adopt(ctx context.Context, conn *pgx.Conn) (adopted int, err error) {
	ids, err := q.ids(ctx, conn, "strays", pgx.NamedArgs{"destination": q.name, "after": AdoptAfter.Seconds()})
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	if adopted, err = q.adoptThese(ctx, conn, ids); !refused(ctx, err) {
		return adopted, err
	}
	for _, id := range ids {
		n, err := q.adoptThese(ctx, conn, []string{id})
		adopted += n
		if refused(ctx, err) {
			err = q.leaveAloneOn(ctx, conn, refusalOf(stageRequeue, err), err, id)
		}
		if err != nil {
			return adopted, err
		}
	}
	return adopted, nil
}

// adoptThese adopts rows, and leaves those alone that a trigger skips.
func (q *Queue) adoptThese(ctx context.Context, conn *pgx.Conn, ids []string) (adopted int, err error) {
	rows, err := q.sql.Query(ctx, conn, "adopt", pgx.NamedArgs{"destination": q.name, "ids": ids})
	if err != nil {
		return 0, err
	}
	var id string
	var isVetoed bool
	var vetoes []string
	_, err = pgx.ForEachRow(rows, []any{&id, &isVetoed}, func() error {
		if isVetoed {
			vetoes = append(vetoes, id)
		} else {
			adopted++
		}
		return nil
	})
	if err == nil && len(vetoes) > 0 {
		r := vetoed
		r.stage = stageRequeue
		err = q.leaveAloneOn(ctx, conn, r, nil, vetoes...)
	}
	return adopted, err
}

// date gives rows a place in the queue that have none: an app has inserted them without
// saying since when they wait. One that refuses keeps its place at the end.
func (q *Queue) date(ctx context.Context, conn *pgx.Conn) error {
	ids, err := q.ids(ctx, conn, "undated", nil)
	if err != nil || len(ids) == 0 {
		return err
	}
	if err = q.sql.Exec(ctx, conn, "date_queue", pgx.NamedArgs{"ids": ids}); !refused(ctx, err) {
		return err
	}
	for _, id := range ids {
		if err := q.sql.Exec(ctx, conn, "date_queue", pgx.NamedArgs{"ids": []string{id}}); err != nil && !refused(ctx, err) {
			return err
		}
	}
	return nil
}

// ids runs a statement that returns the ids of contacts.
func (q *Queue) ids(ctx context.Context, conn *pgx.Conn, name string, args pgx.NamedArgs) ([]string, error) {
	rows, err := q.sql.Query(ctx, conn, name, args)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// prune forgets old bookkeeping.
func (q *Queue) prune(ctx context.Context, conn *pgx.Conn) error {
	return q.sql.Exec(ctx, conn, "prune", pgx.NamedArgs{"days": keepDays})
}
