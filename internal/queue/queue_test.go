package queue

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/database"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/queue/columns"
	"github.com/scrapersky/contactsync/internal/statement"
)

// target is what the SQL files are written for.
var target = statement.For(statement.Contacts(), hubspot.Info, hubspot.Info)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// session is a leader's session without its heartbeat.
type session struct {
	mu   sync.Mutex
	conn *pgx.Conn
}

func (s *session) Do(ctx context.Context, fn func(ctx context.Context, conn *pgx.Conn) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fn(ctx, s.conn)
}

// bench is a database with an app and, on demand, leaders.
type bench struct {
	testing.TB
	url string
	app *pgx.Conn
}

func newBench(tb testing.TB) *bench {
	tb.Helper()
	return benchOn(tb, pgtest.New(tb))
}

func benchOn(tb testing.TB, url string) *bench {
	tb.Helper()
	return &bench{TB: tb, url: url, app: connect(tb, url, false)}
}

// connect opens a connection: a worker's, or an app's plain one.
func connect(tb testing.TB, url string, worker bool) *pgx.Conn {
	tb.Helper()
	var conn *pgx.Conn
	var err error
	if worker {
		conn, err = database.Connect(tb.Context(), url, "test")
	} else {
		conn, err = pgx.Connect(tb.Context(), url)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close(context.WithoutCancel(tb.Context())) })
	return conn
}

// leader enters slot k and holds its lock.
func (b *bench) leader(slot int, change ...func(*Options)) *Queue {
	b.Helper()
	opt := Options{
		Target: target, Instance: "test", Slot: slot, Slots: 1,
		MaxRetries: 3, RetryDelay: 5 * time.Minute, Exponential: true, Timeout: 30 * time.Second, Doubt: 5 * time.Minute,
	}
	for _, f := range change {
		f(&opt)
	}
	conn := connect(b.TB, b.url, true)
	lock := opt.Target.Destination.SlotLock(slot)
	if _, err := conn.Exec(b.Context(), `SELECT pg_try_advisory_lock($1, $2)`, destination.LockClass, lock); err != nil {
		b.Fatal(err)
	}
	q := New(&session{conn: conn}, opt)
	if err := q.Enter(b.Context()); err != nil {
		b.Fatal(err)
	}
	return q
}

func (b *bench) exec(sql string, args ...any) {
	b.Helper()
	if _, err := b.app.Exec(b.Context(), sql, args...); err != nil {
		b.Fatalf("%s: %v", sql, err)
	}
}

// ask answers the one text that a query selects.
func (b *bench) ask(sql string, args ...any) string {
	b.Helper()
	var answer *string
	if err := b.app.QueryRow(b.Context(), sql, args...).Scan(&answer); err != nil {
		b.Fatalf("%s: %v", sql, err)
	}
	if answer == nil {
		return "NULL"
	}
	return *answer
}

// queued inserts n contacts that wait to be synced and answers their ids, in
// the order in which they are to be claimed.
func (b *bench) queued(n int) []string {
	b.Helper()
	rows, err := b.app.Query(b.Context(), `
		INSERT INTO contacts (email, name, hubspot_sync_status, hubspot_processing_status, hubspot_queued_at)
		SELECT 'c' || i || '@example.org', 'Name ' || i, 'Queued', 'Queued', now() - interval '1 hour' + i * interval '1 second'
		  FROM generate_series(1, $1::int) i RETURNING id::text`, n)
	if err != nil {
		b.Fatal(err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		b.Fatal(err)
	}
	return ids
}

// row is what a person would look at.
func (b *bench) row(id string) string {
	b.Helper()
	return b.ask(`SELECT concat_ws(' ', hubspot_processing_status, hubspot_sync_status, 'tries=' || retry_count,
		coalesce(hubspot_error_code, '-'), coalesce(hubspot_contact_id, '-'),
		CASE WHEN next_retry_at IS NULL THEN 'unscheduled' WHEN next_retry_at <= now() THEN 'due'
		     ELSE 'in ' || round(extract(epoch FROM next_retry_at - now()) / 60) || 'min' END) FROM contacts WHERE id = $1`, id)
}

func (b *bench) wantRow(id, want string) {
	b.Helper()
	if got := b.row(id); got != want {
		b.Errorf("row is %q, want %q", got, want)
	}
}

func (b *bench) claims() string {
	b.Helper()
	return b.ask(`SELECT count(*)::text FROM contactsync.claims WHERE refusal IS NULL`)
}

func claim(tb testing.TB, q *Queue, limit int) contact.Batch {
	tb.Helper()
	batch, err := q.Claim(tb.Context(), contact.InOrder(limit))
	if err != nil {
		tb.Fatal(err)
	}
	return batch
}

func settle(tb testing.TB, q *Queue, batch contact.Batch, o contact.Outcome) (done []contact.Settled, rest contact.Answered) {
	tb.Helper()
	a := contact.Answered{Batch: batch}
	for range batch.Contacts {
		a.Outcomes = append(a.Outcomes, o)
	}
	a.Requests = 1
	done, rest, err := q.Settle(tb.Context(), a)
	if err != nil {
		tb.Fatal(err)
	}
	return done, rest
}

func arm(tb testing.TB, q *Queue) contact.QueueState {
	tb.Helper()
	state, err := q.ArmDoorbell(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return state
}

func maintain(tb testing.TB, q *Queue) int {
	tb.Helper()
	n, err := q.Maintain(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

var synced = contact.Outcome{Verdict: contact.Synced, RemoteID: "77", Created: true}

// Time is the database's: two clocks would disagree about what is due. These files
// compare the process's clock with itself.
func TestNoGoClockEntersSQL(t *testing.T) {
	t.Parallel()
	patient := []string{"claim_age.go", "admin/list.go"}
	eachFile(t, ".go", func(name, text string) {
		if !slices.Contains(patient, name) && !strings.HasSuffix(name, "_test.go") && strings.Contains(text, "time.Now(") {
			t.Errorf("%s asks the process's clock", name)
		}
	})
}

// Every statement must fit the schema as migrated. A piece of one cannot be
// prepared alone; the tests of that statement run it.
func TestStatementsPrepare(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	b := newBench(t)
	all := render(target, nil, true)
	eachFile(t, ".sql", func(name, text string) {
		if !strings.Contains(name, "/") || strings.HasPrefix(name, "testdata/") || strings.HasPrefix(text, "-- A piece of ") {
			return // the files of this package are those that all comes from
		}
		all[name] = statement.Statement{SQL: columns.List(nil).In(text)}
	})
	b.exec(`ALTER TABLE contacts ADD COLUMN traceparent text`)
	for name, stmt := range all {
		if _, err := b.app.Prepare(t.Context(), name, stmt.SQL); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(all) < 20 {
		t.Errorf("only %d statements found", len(all))
	}
}

// eachFile reads the files of this package and those below it.
func eachFile(t *testing.T, suffix string, look func(name, text string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, suffix) {
			return err
		}
		text, err := os.ReadFile(path)
		look(path, string(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
