package drain

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/scrapersky/contactsync/internal/contact"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeQueue is a queue in memory, for tests of time and order. What the real
// one does with Postgres is tested in package queue.
type fakeQueue struct {
	mu      sync.Mutex
	ready   []contact.Contact
	locked  int           // rows that are due but cannot be claimed
	writer  bool          // an open transaction holds the doorbell
	next    time.Duration // what ArmDoorbell returns
	cycle   int64
	claims  []int // sizes of the claims, empty ones included
	settled []contact.Answered
	touches int
	touched int // cycles, each time
	tidied  int
	pauses  []*contact.AccountPause
	resumed int

	onSettle func(contact.Answered) (rest contact.Answered, err error)
	onClaim  func()
	trouble  func(what string) error // of the database, whatever is asked of it
}

func (q *fakeQueue) troubled(what string) error {
	if q.trouble == nil {
		return nil
	}
	return q.trouble(what)
}

func (q *fakeQueue) Enter(context.Context) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.troubled("enter")
}

func (q *fakeQueue) add(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for range n {
		id := strconv.Itoa(len(q.ready) + 100*len(q.claims))
		q.ready = append(q.ready, contact.Contact{ID: id, Email: id + "@example.org"})
	}
}

func (q *fakeQueue) Claim(_ context.Context, share contact.Share) (contact.Batch, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.onClaim != nil {
		q.onClaim()
	}
	if err := q.troubled("claim"); err != nil {
		return contact.Batch{}, err
	}
	n := min(share.Most, len(q.ready))
	q.claims = append(q.claims, n)
	if n == 0 {
		return contact.Batch{}, nil
	}
	q.cycle++
	b := contact.Batch{Cycle: q.cycle, Contacts: q.ready[:n:n]}
	q.ready = q.ready[n:]
	return b, nil
}

func (q *fakeQueue) Touch(_ context.Context, cycles ...int64) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.touches++
	q.touched += len(cycles)
	return q.troubled("touch")
}

func (q *fakeQueue) Settle(_ context.Context, a contact.Answered) (done []contact.Settled, rest contact.Answered, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.troubled("settle"); err != nil {
		return nil, a, err
	}
	if q.onSettle != nil {
		if rest, err = q.onSettle(a); err != nil {
			return nil, a, err
		}
	}
	q.settled = append(q.settled, a)
	left := map[string]bool{}
	for _, c := range rest.Contacts {
		left[c.ID] = true
	}
	for i, c := range a.Contacts {
		if !left[c.ID] {
			done = append(done, contact.Settled{ID: c.ID, Final: contact.Final(a.Outcomes[i].Verdict)})
		}
	}
	return done, rest, nil
}

func (q *fakeQueue) ArmDoorbell(context.Context) (contact.QueueState, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.troubled("arm"); err != nil {
		return contact.QueueState{}, err
	}
	return contact.QueueState{Armed: !q.writer, Due: q.locked > 0 || len(q.ready) > 0, Next: q.next}, nil
}

func (q *fakeQueue) Maintain(context.Context) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.tidied++
	return 0, nil
}

func (q *fakeQueue) ShowPause(_ context.Context, p *contact.AccountPause) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.troubled("pause"); err != nil {
		return err
	}
	q.pauses = append(q.pauses, p)
	return nil
}

func (q *fakeQueue) MakeDue(context.Context, []contact.Code, int) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.troubled("resume"); err != nil {
		return 0, err
	}
	q.resumed++
	return 0, nil
}

// brokenQueue fails at one call and counts what is asked of it afterwards.
type brokenQueue struct {
	fakeQueue
	at    string
	err   error
	done  bool
	after int
}

func (q *brokenQueue) fail(at string) error {
	if q.done {
		q.after++
	}
	if at == q.at {
		q.done = true
		return q.err
	}
	return nil
}

func (q *brokenQueue) Claim(context.Context, contact.Share) (contact.Batch, error) {
	return contact.Batch{}, q.fail("claim")
}

func (q *brokenQueue) ArmDoorbell(context.Context) (contact.QueueState, error) {
	return contact.QueueState{Armed: true, Next: -1}, q.fail("arm")
}

// fakeDestination answers as it is told, Synced by default.
type fakeDestination struct {
	mu     sync.Mutex
	sent   [][]contact.Contact
	probes []time.Time
	answer func(ctx context.Context, batch []contact.Contact) contact.Report
	probe  func() error
}

func (d *fakeDestination) Upsert(ctx context.Context, batch []contact.Contact) contact.Report {
	d.mu.Lock()
	d.sent = append(d.sent, batch)
	answer := d.answer
	d.mu.Unlock()
	if answer != nil {
		return answer(ctx, batch)
	}
	return all(batch, contact.Outcome{Verdict: contact.Synced, RemoteID: "1"})
}

func (d *fakeDestination) Probe(context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.probes = append(d.probes, time.Now())
	if d.probe != nil {
		return d.probe()
	}
	return nil
}

func all(batch []contact.Contact, o contact.Outcome) contact.Report {
	r := contact.Report{Requests: 1, Outcomes: make([]contact.Outcome, len(batch))}
	for i := range r.Outcomes {
		r.Outcomes[i] = o
	}
	return r
}

type listener bool

func (l listener) Proven() bool { return bool(l) }

// start runs the loop in the background and returns what ends it.
func start(t *testing.T, q *fakeQueue, d *fakeDestination, change func(*Loop)) (wake chan struct{}, stop func() error, lose func()) {
	t.Helper()
	wake = make(chan struct{}, 1)
	l := &Loop{
		Queue: q, Destination: d, Listener: listener(true), Wake: wake,
		Log:       slog.New(slog.DiscardHandler),
		BatchSize: 10, Slots: 1, Interval: time.Hour, CutAfter: 22 * time.Second,
	}
	if change != nil {
		change(l)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stopping, end := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- l.Run(ctx, stopping) }()
	return wake, func() error { end(); defer cancel(nil); return <-result }, func() { cancel(errLost) }
}

var errLost = errors.New("lease lost")
