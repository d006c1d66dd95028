package queue

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/contact"
)

// Settle writes what became of a batch. It returns what it did row by row, and
// the rest that it could not settle because somebody holds the rows locked: it
// never waits for an app. That rest stays claimed; settle it again later. So do rows
// that a trigger of the app's skips; where there are no others, that is an error.
//
// Settle may be called again after an error: a row that was settled before is
// answered as Lost and not written twice.
func (q *Queue) Settle(ctx context.Context, a contact.Answered) (done []contact.Settled, rest contact.Answered, err error) {
	q.age.sent(a.Cycle)
	var noted func()
	err = q.do(ctx, "settle", func(ctx context.Context, conn *pgx.Conn) error {
		b := &pgx.Batch{}
		q.sql.Queue(b, "settle", q.settleArgs(a)).Query(func(rows pgx.Rows) (err error) {
			done, err = pgx.CollectRows(rows, scanSettled)
			return err
		})
		noted = q.finish(b, a)
		return conn.SendBatch(ctx, b).Close()
	})
	if err != nil {
		if len(a.Contacts) == 1 && refused(ctx, err) {
			q.noticeUnsettled(ctx, a, err)
		}
		return nil, a, err
	}
	done, vetoes := splitVetoed(done)
	if len(vetoes) > 0 {
		q.noticeVetoed(ctx, a, vetoes)
	}
	if len(vetoes) > 0 && len(done) == 0 {
		return nil, a, fmt.Errorf("settle: %s: %w", vetoed.message, contact.ErrVetoed)
	}
	noted()
	rest = leftOver(a, done)
	if len(rest.Contacts) == 0 {
		q.active = slices.DeleteFunc(q.active, func(cycle int64) bool { return cycle == a.Cycle })
	}
	return done, rest, nil
}

// finalVetoed is what the statement says of a row that a trigger skipped.
const finalVetoed contact.Final = "vetoed"

// splitVetoed takes the ids of the rows out that were vetoed.
func splitVetoed(all []contact.Settled) (done []contact.Settled, vetoes []string) {
	for _, s := range all {
		if s.Final == finalVetoed {
			vetoes = append(vetoes, s.ID)
		} else {
			done = append(done, s)
		}
	}
	return done, vetoes
}

// leftOver returns the part of a batch that a settle passed over. Its requests are
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

// settleArgs turns the outcomes on their side, as unnest wants them.
func (q *Queue) settleArgs(a contact.Answered) pgx.NamedArgs {
	n := len(a.Outcomes)
	ids, versions, verdicts := make([]string, n), make([]string, n), make([]string, n)
	remoteIDs, codes, messages, correlationIDs := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	created, inDoubt, forgiving := make([]bool, n), make([]bool, n), make([]bool, n)
	statuses, putOff := make([]int, n), make([]float64, n)
	for i, o := range a.Outcomes {
		ids[i], versions[i] = a.Contacts[i].ID, a.Contacts[i].Version
		verdicts[i] = string(o.Verdict)
		remoteIDs[i] = printable(o.RemoteID)
		codes[i] = string(o.Code)
		messages[i] = printable(o.Message)
		correlationIDs[i] = printable(o.CorrelationID)
		created[i], inDoubt[i], forgiving[i] = o.Created, o.InDoubt, o.Forgiving
		statuses[i] = o.HTTPStatus
		putOff[i] = o.PutOff.Seconds()
	}
	return pgx.NamedArgs{
		"destination": q.name, "cycle": a.Cycle, "slot": q.opt.Slot, "instance": q.opt.Instance, "leads": q.leads(),
		"claimed_at": a.ClaimedAt, "requests": a.Requests, "throttled_ms": a.Throttled.Milliseconds(),
		"max_retries": q.opt.MaxRetries, "retry_delay": q.opt.RetryDelay.Seconds(), "exponential": q.opt.Exponential,
		"timeout": q.opt.Timeout.Seconds(), "doubt": q.opt.Doubt.Seconds(), "bounds": contact.LatencyBounds(),
		"ids": ids, "versions": versions, "verdicts": verdicts, "remote_ids": remoteIDs, "created": created,
		"codes": codes, "messages": messages, "statuses": statuses, "correlation_ids": correlationIDs,
		"in_doubt": inDoubt, "forgiving": forgiving, "put_off": putOff,
	}
}

func scanSettled(row pgx.CollectableRow) (s contact.Settled, err error) {
	var waited *float64
	err = row.Scan(&s.ID, &s.Final, &s.Tries, &s.Error, &waited)
	if waited != nil {
		s.Waited = time.Duration(*waited * float64(time.Second))
	}
	return s, err
}

// printable makes foreign text storable: Postgres refuses a NUL byte and
// invalid UTF-8 in a text value, and one such message would cost the whole
// cycle its settle.
func printable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
