package ops

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/rowsecurity"
)

// Snapshot is how an installation stands, of one destination. Status, the dashboard,
// metrics and doctor all have it from here. Its JSON form is a part of what scripts
// read from status.
type Snapshot struct {
	Destination destination.Info `json:"-"`
	At          time.Time        `json:"at"`   // when, by the database's clock
	Hold        *contact.Pause   `json:"hold"` // an operator's pause; nil when there is none
	Queue       Queue            `json:"queue"`
	Leaders     []Leader         `json:"leaders"`
	Replicas    []Replica        `json:"replicas"`
	Refusals    []Refusal        `json:"refusals"` // those that last
	// Hidden is what row security hides from this role, whose counts are then of no worth,
	// and from those who lead.
	Hidden      []rowsecurity.Hidden `json:"row_security"`
	Connections int64                `json:"-"` // of all processes to this database

	DetachedSince *time.Time `json:"detached_since"` // the triggers are off for a migration of the app's
}

// Queue counts the contacts that are not at rest.
type Queue struct {
	Due              int64      `json:"due"`
	Waiting          int64      `json:"waiting"` // Queued, with a due time in the future
	Processing       int64      `json:"processing"`
	Error            int64      `json:"error"`
	InFlight         int64      `json:"in_flight"`          // claimed now
	Quarantined      int64      `json:"quarantined"`        // unanswered requests: not sent again yet
	OldestDueSeconds *float64   `json:"oldest_due_seconds"` // nil when nothing is due
	NextRetryAt      *time.Time `json:"next_retry_at"`
	Fresh            int64      `json:"-"` // of those due, the ones that have no due time
}

// Unworked is how many contacts are Processing, at least, without anybody at work on
// them: another worker left them, or an app has written that.
func (q Queue) Unworked() int64 { return max(0, q.Processing-q.InFlight-q.Quarantined) }

// Leader is a process that leads a slot.
type Leader struct {
	Slot        int        `json:"slot"`
	Instance    string     `json:"instance"`
	Since       *time.Time `json:"since"`
	PauseCode   string     `json:"pause_code,omitempty"`
	PauseReason string     `json:"pause_reason,omitempty"`
	PauseSince  *time.Time `json:"pause_since,omitempty"`
	PauseUntil  *time.Time `json:"pause_until,omitempty"`
}

// The roles of a Replica.
const (
	RoleLeader   = "leader"
	RoleFollower = "follower"
	RoleGone     = "gone" // silent for 45 s, or it led and does not any more; forgotten after a day
)

// Replica is a process that syncs or waits to.
type Replica struct {
	Instance    string    `json:"instance"`
	Version     string    `json:"version"`
	BatchSize   int       `json:"batch_size"` // its settings
	Instances   int       `json:"instances"`
	Account     string    `json:"account"` // that its key belongs to; empty while that is not known
	Role        string    `json:"role"`
	Slot        *int      `json:"slot"` // of a leader
	StartedAt   time.Time `json:"started_at"`
	SeenAt      time.Time `json:"seen_at"`
	SeenSeconds float64   `json:"seen_seconds"` // since it wrote itself down last, every 15 s
	Listener    *bool     `json:"listener"`     // of a leader: notifications are known to arrive
	Armed       bool      `json:"armed"`        // it sleeps on the doorbell, now

	// What the destination said last with an answer to this process, and when: requests
	// in 10 s for its key, and in a day for the account. Nil: nothing yet.
	RateMax   *int       `json:"rate_max"`
	RateLeft  *int       `json:"rate_left"`
	RateAt    *time.Time `json:"rate_at"`
	DailyMax  *int       `json:"daily_max"`
	DailyLeft *int       `json:"daily_left"`
	DailyAt   *time.Time `json:"daily_at"`
}

const (
	// silence is after how long a process that writes itself down every 15 s is
	// taken for gone.
	silence = 3 * Every

	// snapshotLimit bounds each statement of a snapshot whose counts have a bound.
	snapshotLimit = 2 * time.Second
)

// Bounds of a Snapshot's counts.
const (
	// MostShown is up to where people are told a number: more is many.
	MostShown = 10_000

	// MostCounted is where a machine's look ends, so that a queue of any size costs it
	// no more than one of this size.
	MostCounted = 1_000_000
)

// Snapshot looks at the installation. Each count ends at the bound, and the server
// ends each statement after 2 s then; 0 counts all, however long that takes.
func (s *Store) Snapshot(ctx context.Context, bound int64) (Snapshot, error) {
	known, err := s.source.ready(ctx)
	if err != nil {
		return Snapshot{}, fmt.Errorf("look at the queue: %w", err)
	}
	snap := Snapshot{Destination: s.destination}
	limit := snapshotLimit
	if bound == 0 {
		limit = 0
	}
	var holds []contact.Pause
	err = s.read(ctx, limit, func(tx pgx.Tx) error {
		batch := &pgx.Batch{}
		known.statements.Queue(batch, "server", nil).QueryRow(func(row pgx.Row) error { return row.Scan(&snap.At, &snap.Connections) })
		known.statements.Queue(batch, "hold", s.named()).Query(all(&holds))
		known.statements.Queue(batch, "detached", nil).QueryRow(func(row pgx.Row) error { return row.Scan(&snap.DetachedSince) })
		replicas := s.locks()
		replicas["doorbell"], replicas["silence"] = s.destination.Doorbell(), silence.Seconds()
		known.statements.Queue(batch, "replicas", replicas).Query(all(&snap.Replicas))
		known.statements.Queue(batch, "queue_state", pgx.NamedArgs{"bound": upTo(bound)}).Query(func(rows pgx.Rows) (err error) {
			snap.Queue, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Queue])
			return err
		})
		known.statements.Queue(batch, "refusals", s.named()).Query(all(&snap.Refusals))
		known.statements.Queue(batch, "leaders", s.locks()).Query(all(&snap.Leaders))
		known.statements.Queue(batch, "row_security", nil).Query(func(rows pgx.Rows) (err error) {
			snap.Hidden, err = rowsecurity.Collect(rows)
			return err
		})
		return tx.SendBatch(ctx, batch).Close()
	})
	if err != nil {
		return Snapshot{}, fmt.Errorf("look at the queue: %w", err)
	}
	if len(holds) > 0 {
		snap.Hold = &holds[0]
	}
	return snap, nil
}

// Hidden lists what row security hides from this role, which is to do a worker's job, or
// only to look.
func (s *Store) Hidden(ctx context.Context, works bool) ([]rowsecurity.Hidden, error) {
	return rowsecurity.From(ctx, s.pool, "", works)
}

// Stuck is what a healthy queue has none of.
type Stuck struct {
	Orphaned         int64    // Processing for too long, and nobody works on them
	Overdue          int64    // due for too long, and nobody has claimed them
	LastCycleSeconds *float64 // since a cycle with contacts ended; nil: none is remembered
}

// Stuck looks for what stands still: rows that are Processing without a claim for
// longer than orphan, and rows that are due for longer than overdue. Of a fresh row
// without a time nobody knows since when it waits: it is overdue.
func (s *Store) Stuck(ctx context.Context, orphan, overdue time.Duration) (Stuck, error) {
	values := pgx.NamedArgs{"orphan": orphan.Seconds(), "overdue": overdue.Seconds(), "destination": s.destination.Name}
	found, err := collect[Stuck](ctx, s, s.pool, "stuck", values)
	if err != nil {
		return Stuck{}, fmt.Errorf("look for what stands still: %w", err)
	}
	return found[0], nil
}

// named are the values of a statement that knows whose rows it is about.
func (s *Store) named() pgx.NamedArgs { return pgx.NamedArgs{"destination": s.destination.Name} }

// locks are the values of a statement that looks who holds the leaders' locks.
func (s *Store) locks() pgx.NamedArgs {
	values := s.named()
	values["class"], values["slot_0"] = destination.LockClass, s.destination.SlotLock(0)
	return values
}

func all[T any](to *[]T) func(pgx.Rows) error {
	return func(rows pgx.Rows) (err error) {
		*to, err = pgx.CollectRows(rows, pgx.RowToStructByPos[T])
		return err
	}
}
