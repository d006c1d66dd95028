package queue

import (
	"context"
	_ "embed" // the statements
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/contact"
)

//go:embed settle.sql
var settleSQL string

// Settle writes what became of a batch. It answers what it did row by row, and
// the rest that it could not settle because somebody holds the rows locked: it
// never waits for an app. That rest stays claimed; settle it again later.
//
// Settle may be called again after an error: a row that was settled before is
// answered as Lost and not written twice.
func (q *Queue) Settle(ctx context.Context, a contact.Answered) (done []contact.Settled, rest contact.Answered, err error) {
	q.alive.rest(a.Cycle) // it was sent
	col := sideways(a)
	var noted func()
	err = q.do(ctx, "settle", func(ctx context.Context, conn *pgx.Conn) error {
		b := &pgx.Batch{}
		b.Queue(q.settleSQL, q.opt.Destination, a.Cycle, q.opt.MaxRetries, q.opt.RetryDelay.Seconds(),
			q.opt.Exponential, q.opt.Doubt.Seconds(), q.opt.Instance, q.opt.Slot, a.ClaimedAt,
			a.Requests, a.Throttled.Milliseconds(),
			col.ids, col.verdicts, col.remoteIDs, col.created, col.codes, col.messages,
			col.statuses, col.correlationIDs, col.inDoubt, col.forgiving, col.putOff, col.versions,
		).Query(func(rows pgx.Rows) error {
			var err error
			done, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (s contact.Settled, err error) {
				var waited *float64
				err = row.Scan(&s.ID, &s.Final, &s.Tries, &s.Error, &waited)
				if waited != nil {
					s.Waited = time.Duration(*waited * float64(time.Second))
				}
				return s, err
			})
			return err
		})
		noted = q.finish(b, a)
		return conn.SendBatch(ctx, b).Close()
	})
	if err != nil {
		return nil, a, err
	}
	noted()
	rest = leftOver(a, done)
	if len(rest.Contacts) == 0 {
		q.active = slices.DeleteFunc(q.active, func(cycle int64) bool { return cycle == a.Cycle })
	}
	return done, rest, nil
}

// leftOver is the part of a batch that a settle passed over. Its requests are
// counted already.
func leftOver(a contact.Answered, done []contact.Settled) contact.Answered {
	settled := make(map[string]bool, len(done))
	for _, s := range done {
		settled[s.ID] = true
	}
	rest := contact.Answered{Batch: contact.Batch{Cycle: a.Cycle, ClaimedAt: a.ClaimedAt}}
	for i, c := range a.Contacts {
		if !settled[c.ID] {
			rest.Contacts = append(rest.Contacts, c)
			rest.Outcomes = append(rest.Outcomes, a.Outcomes[i])
		}
	}
	return rest
}

// settleColumns are the outcomes turned on their side, as unnest wants them.
type settleColumns struct {
	ids, verdicts, remoteIDs, codes, messages, correlationIDs []string
	created, inDoubt, forgiving                               []bool
	statuses                                                  []int
	versions                                                  []string
	putOff                                                    []float64
}

func sideways(a contact.Answered) settleColumns {
	var col settleColumns
	for i, o := range a.Outcomes {
		col.ids = append(col.ids, a.Contacts[i].ID)
		col.verdicts = append(col.verdicts, string(o.Verdict))
		col.remoteIDs = append(col.remoteIDs, printable(o.RemoteID))
		col.created = append(col.created, o.Created)
		col.codes = append(col.codes, string(o.Code))
		col.messages = append(col.messages, printable(o.Message))
		col.statuses = append(col.statuses, o.HTTPStatus)
		col.correlationIDs = append(col.correlationIDs, printable(o.CorrelationID))
		col.inDoubt = append(col.inDoubt, o.InDoubt)
		col.forgiving = append(col.forgiving, o.Forgiving)
		col.versions = append(col.versions, a.Contacts[i].Version)
		col.putOff = append(col.putOff, o.PutOff.Seconds())
	}
	return col
}
