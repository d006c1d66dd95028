// Package queue is the contacts table seen as a queue: claim, settle, release,
// rescue and the doorbell. It is the only place whose SQL moves a contact through
// the queue, but for what people do (internal/ops).
//
// Every statement of a leader runs on the connection that holds the slot's
// lock. When that session is gone they cannot succeed, so an old leader is
// fenced by the database and not by a flag. Every duration that decides about
// due, dead or over is measured by the database's clock.
package queue

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/statement"
)

// Session is the connection that holds the slot's lock.
type Session interface {
	// Do has exclusive use of the connection while fn runs.
	Do(ctx context.Context, fn func(ctx context.Context, conn *pgx.Conn) error) error
}

// Options are what does not change while a slot is held.
type Options struct {
	Target   statement.Target // the table and the destination
	Instance string           // this process, for people
	Slot     int              // the slot whose lock the session holds
	Slots    int              // how many slots there are; above 1 a full claim wakes the others
	Log      *slog.Logger     // is told what the database refuses; nil: nobody is

	MaxRetries  int           // attempts beyond the first before a row is Error
	RetryDelay  time.Duration // before the first retry, ±10 %
	Exponential bool          // whether the delay doubles; it grows by itself otherwise

	// Extra are columns of the table to send beside those of the contract. Enter
	// looks them up anew, because the app may have changed them.
	Extra []string

	// Traced says that contacts are to bring their column traceparent along, where
	// the app has one.
	Traced bool

	// Remember says that Begin is called before everything that is sent. Without
	// it, what others have remembered is void.
	Remember bool

	// Seen is what the process knows of the database from before; nil: nothing.
	Seen *Seen

	// OnMoved is called when what was remembered is void, because the database is not the
	// one that remembered it. Nil: nobody is told.
	OnMoved func(ctx context.Context)

	// Timeout is the deadline of a request. Where there is no answer the contact stays
	// claimed for as long again: until then nothing newer is sent.
	Timeout time.Duration
	// Doubt is how long such a request may take effect all the same. What was sent
	// meanwhile is sent once more when that time is over.
	Doubt time.Duration
}

// leaseSlack is how much older than the leader's last sign of life the stored
// start of a claim can be, rounded up: touched every 5 s, and a leader gives up
// 8 s after its last answer from the database.
const leaseSlack = 15 * time.Second

// plannerOff are the planner's settings that are off for every statement here. Rows
// are found by an index or by a list of ids, and what is joined is no larger than a
// batch. A planner with stale statistics of a queue chooses otherwise: it reads the
// whole table (seqscan), gathers all that is due before it takes the first row
// (bitmapscan), or goes through the batch once a row (nestloop: to settle 1000 contacts
// took 120 ms so, and takes 25). Without bitmaps an OR over two indexes reads the whole
// table: write two scans (see finish in sent.sql). No statement is long enough to be worth
// compiling (jit).
var plannerOff = []string{"enable_seqscan", "enable_bitmapscan", "enable_nestloop", "jit"}

// Queue is one slot's view of the queue. It is not safe for concurrent use but
// for Touch, Account and ClaimsFresh.
type Queue struct {
	session Session
	opt     Options
	name    string               // of the destination: it names the claims, slots and cycles
	sql     statement.Statements // from Enter on with the extra columns
	account statement.Statement  // the one of Account, which is called beside Enter

	bell     bell            // whether the doorbell is locked by this session
	held     bool            // the last look found an operator's hold
	numbers  []int64         // drawn for the next claims, the next one first; at least one since Enter
	tries    int             // claims in a row that met the database's trouble
	troubled bool            // such a trouble is noted, for people to see
	setAside int             // rows that claims met and could not take
	told     map[string]bool // the refusals that are in the log already
	noticed  refusal         // the last one
	log      *slog.Logger

	begun  map[int64]map[string]bool // by cycle, the keys that Begin has noted and Settle has not ended
	age    claimAge                  // of the cycles that are being sent
	active []int64                   // cycles that are claimed and not settled to the last row; never nil, which SQL takes for NULL
}

// New returns the queue of a slot that was just taken. Enter is to be called first.
func New(session Session, opt Options) *Queue {
	sql := render(opt.Target, nil, false)
	return &Queue{
		session: session, opt: opt, name: opt.Target.Destination.Name,
		sql: sql, account: sql.Named("account"),
		active: []int64{}, begun: map[int64]map[string]bool{},
		told: map[string]bool{}, log: cmp.Or(opt.Log, slog.New(slog.DiscardHandler)),
	}
}

// deadAfter returns after how many seconds a claim of this leader counts as dead: its
// request is over, even if it was sent in the last moment of the lease.
func (q *Queue) deadAfter() float64 {
	return (leaseSlack + q.opt.Timeout).Seconds()
}

// do lends fn the session. The error is a contact.ErrTrouble where the database refuses
// a statement for a reason of its own.
func (q *Queue) do(ctx context.Context, what string, fn func(ctx context.Context, conn *pgx.Conn) error) error {
	if err := q.session.Do(ctx, fn); err != nil {
		return fmt.Errorf("%s: %w", what, marked(ctx, err))
	}
	return nil
}
