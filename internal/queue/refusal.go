package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/database"
)

// leaveAloneFor is how long a row is passed over that the database does not let be
// written. Its claim says so, so that all leaders know; a hundred of them at a time are
// tried again (see expire_quarantine), so that however many there are, they hardly keep
// the others waiting.
const leaveAloneFor = time.Minute

// seenAgainIn is until when a refusal that is no row's fault is taken to last: whoever
// meets it tries again every few seconds.
const seenAgainIn = 15 * time.Second

// Veto takes the place of the SQLSTATE where a trigger skips a row without an error.
const Veto = "veto"

// The stages at which a row is refused.
const (
	stageClaim   = "claim"
	stageSettle  = "settle"
	stageRequeue = "requeue" // of what nobody works on
)

// refusal is why the database does not let rows be written.
type refusal struct {
	stage   string
	code    string // SQLSTATE, or Veto
	source  string // the trigger or the constraint, as far as that is known
	message string // the database's own words
	quiet   bool   // somebody else tells it
}

// key is what makes it another refusal. The message does not: it may differ from row to row.
func (r refusal) key() string { return strings.Join([]string{r.stage, r.code, r.source}, "\x00") }

// vetoed is the refusal of a BEFORE trigger that returns NULL: the row is skipped, and
// nobody is told.
var vetoed = refusal{stage: stageClaim, code: Veto, message: "a BEFORE UPDATE trigger returned NULL: the row was left as it is, without an error"}

// notice notes a refusal where status and doctor find it, tells it once in the log, and
// returns its number there. Cause is the database's error, nil for a veto; id is one of
// the rows, empty where none is to blame.
func (q *Queue) notice(ctx context.Context, r refusal, cause error, id string, again time.Duration) (number int64, err error) {
	err = q.do(ctx, "note a refusal", func(ctx context.Context, conn *pgx.Conn) (err error) {
		number, err = q.noticeOn(ctx, conn, r, cause, id, again)
		return err
	})
	return number, err
}

// noticeOn is notice on the session's connection.
func (q *Queue) noticeOn(ctx context.Context, conn *pgx.Conn, r refusal, cause error, id string, again time.Duration) (number int64, err error) {
	if r.source, err = q.source(ctx, conn, r, cause); err != nil {
		return 0, err
	}
	var one *string
	if id != "" {
		one = &id
	}
	var news bool
	err = q.sql.QueryRow(ctx, conn, "note_refusal", pgx.NamedArgs{
		"destination": q.name, "stage": r.stage, "code": r.code, "source": printable(r.source),
		"message": printable(r.message), "id": one, "seconds": again.Seconds(),
	}).Scan(&number, &news)
	if err != nil {
		return 0, err
	}
	q.noticed = r
	if !r.quiet && (news || !q.told[r.key()]) {
		q.told[r.key()] = true
		q.tell(ctx, r, id)
	}
	return number, nil
}

func (q *Queue) tell(ctx context.Context, r refusal, id string) {
	attrs := []slog.Attr{slog.String("error", r.message), slog.String("sqlstate", r.code), slog.String("source", cmp.Or(r.source, "not known"))}
	if id != "" {
		attrs = append(attrs, slog.String("contact_id", id))
	}
	text := "database refuses to let contacts be claimed: they stay Queued and are tried again"
	switch r.stage {
	case stageSettle:
		text = "database refuses to let outcomes be written: contacts stay Processing and are tried again"
	case stageRequeue:
		text = "database refuses to let contacts be queued that nobody works on: they stay Processing and are tried again"
	}
	q.log.LogAttrs(ctx, slog.LevelWarn, text, attrs...) //nolint:sloglint // one of three
}

// refusalOf takes the words out of the database's error.
func refusalOf(stage string, err error) refusal {
	r := refusal{stage: stage, message: err.Error()}
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok {
		// As the error's own text, but in English before the colon: redact looks for that.
		r.code, r.message = answer.Code, fmt.Sprintf("%s: %s (SQLSTATE %s)", cmp.Or(answer.SeverityUnlocalized, answer.Severity), answer.Message, answer.Code)
	}
	return r
}

// aFunction finds the functions in the context of an error, where PL/pgSQL names them
// with their arguments, and the other languages without.
var aFunction = regexp.MustCompile(`(?m)^(?:PL/\S+|SQL) function "?([^\n"]+?\)|[^\n"]+)"?(?: (?:line|statement|during|while)|$)`)

// source names who refused: the constraint, or the triggers whose functions are in the
// error's context, or else the function.
func (q *Queue) source(ctx context.Context, conn *pgx.Conn, r refusal, cause error) (string, error) {
	answer, _ := errors.AsType[*pgconn.PgError](cause)
	var functions []string
	switch {
	case answer == nil && r.code != Veto:
		return "", nil
	case answer != nil && answer.ConstraintName != "":
		return "constraint " + answer.ConstraintName, nil
	case answer != nil:
		for _, found := range aFunction.FindAllStringSubmatch(answer.Where, -1) {
			name := found[1]
			if !strings.HasSuffix(name, ")") {
				name += "()"
			}
			functions = append(functions, name)
		}
		if functions == nil {
			return "", nil
		}
	}
	var triggers *string
	err := q.sql.QueryRow(ctx, conn, "refuser", pgx.NamedArgs{"table": q.opt.Target.Table.Name, "functions": functions}).Scan(&triggers)
	switch {
	case err != nil:
		return "", err
	case triggers != nil && r.code == Veto:
		return "one of the triggers " + *triggers, nil
	case triggers != nil:
		return "trigger " + *triggers, nil
	case len(functions) > 0:
		return "function " + functions[0], nil
	}
	return "", nil
}

// leaveAlone keeps rows from being claimed for a while that were refused with the cycle
// which is to be claimed.
func (q *Queue) leaveAlone(ctx context.Context, r refusal, cause error, ids ...string) error {
	return q.do(ctx, "leave contacts alone", func(ctx context.Context, conn *pgx.Conn) error {
		return q.leaveAloneOn(ctx, conn, r, cause, ids...)
	})
}

// leaveAloneOn is leaveAlone on the session's connection.
func (q *Queue) leaveAloneOn(ctx context.Context, conn *pgx.Conn, r refusal, cause error, ids ...string) error {
	number, err := q.noticeOn(ctx, conn, r, cause, ids[0], leaveAloneFor)
	if err != nil {
		return err
	}
	q.setAside += len(ids)
	batch := &pgx.Batch{}
	q.sql.Queue(batch, "leave_alone", pgx.NamedArgs{
		"ids": ids, "refusal": number, "seconds": leaveAloneFor.Seconds(),
		"destination": q.name, "slot": q.opt.Slot, "cycle": q.numbers[0],
	})
	q.sql.Queue(batch, "hand_over", pgx.NamedArgs{"destination": q.name, "cycle": q.numbers[0]})
	return conn.SendBatch(ctx, batch).Close()
}

// noticeTrouble notes what the database refuses for a reason of its own, as far as it
// lets that be noted. A missing right is told here, because only here it is known whose
// function lacks it.
func (q *Queue) noticeTrouble(ctx context.Context, cause error) {
	r := refusalOf(stageClaim, cause)
	if r.code == "" || ctx.Err() != nil {
		return
	}
	r.quiet = database.Classify(cause) != database.Denied
	_, err := q.notice(ctx, r, cause, "", seenAgainIn)
	q.troubled = q.troubled || err == nil
}

// forgetTrouble notes that it is over.
func (q *Queue) forgetTrouble(ctx context.Context) {
	if !q.troubled {
		return
	}
	err := q.do(ctx, "forget a trouble", func(ctx context.Context, conn *pgx.Conn) error {
		return q.sql.Exec(ctx, conn, "forget_trouble", pgx.NamedArgs{"destination": q.name, "stage": stageClaim})
	})
	q.troubled = err != nil
}

// noticeUnsettled notes that the outcome of one contact cannot be written.
func (q *Queue) noticeUnsettled(ctx context.Context, a contact.Answered, cause error) {
	q.noticeOutcomes(ctx, a, refusalOf(stageSettle, cause), cause, a.Contacts[0].ID)
}

// noticeVetoed notes that a trigger skips rows whose outcome is to be written.
func (q *Queue) noticeVetoed(ctx context.Context, a contact.Answered, ids []string) {
	r := vetoed
	r.stage = stageSettle
	q.noticeOutcomes(ctx, a, r, nil, ids...)
}

// noticeOutcomes notes why outcomes cannot be written, with the claims, which stay.
// What goes wrong here is told by the caller's error, and tried again.
func (q *Queue) noticeOutcomes(ctx context.Context, a contact.Answered, r refusal, cause error, ids ...string) {
	inDoubt := []string{}
	for i, o := range a.Outcomes {
		if o.InDoubt {
			inDoubt = append(inDoubt, a.Contacts[i].ID)
		}
	}
	number, err := q.notice(ctx, r, cause, ids[0], leaveAloneFor)
	if err != nil {
		return
	}
	_ = q.do(ctx, "note a refusal", func(ctx context.Context, conn *pgx.Conn) error {
		return q.sql.Exec(ctx, conn, "keep_refused", pgx.NamedArgs{
			"ids": ids, "refusal": number, "destination": q.name, "cycle": a.Cycle,
			"in_doubt": inDoubt, "doubt": q.opt.Doubt.Seconds(),
		})
	})
}
