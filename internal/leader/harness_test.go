package leader

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/database"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(child())
	}
	os.Exit(pgtest.Main(m))
}

// patience is how long a test waits for what must come. It bounds a failure and
// is no measure of speed.
const patience = pgtest.Patience

// brisk is the protocol with short pauses and its true deadlines, so that a slow
// machine changes nothing.
func brisk() timing {
	t := defaultTiming()
	t.beatEvery, t.wait = 20*time.Millisecond, 200*time.Millisecond
	t.retryMin, t.retryMax = 20*time.Millisecond, 200*time.Millisecond
	return t
}

// quick has short deadlines too, for tests in which a lease ends. Their order is
// the true one.
func quick() timing {
	t := brisk()
	t.beatEvery, t.beatDeadline, t.giveUp = 500*time.Millisecond, 2*time.Second, 2500*time.Millisecond
	t.statement, t.lease, t.margin = 3*time.Second, 5*time.Second, time.Second
	return t
}

// rival is a process of its own as far as the database can see.
type rival struct {
	name    string
	led     chan *reign
	results chan error // what lead returns, when it was not stopped; see lead
	stop    context.CancelFunc
	hard    context.CancelFunc
	done    chan error
	log     *journal
}

// reign is one call of lead.
type reign struct {
	by      *rival
	ctx     context.Context
	session *Session
}

type option func(*Config)

func slots(n int) option { return func(c *Config) { c.Slots = n } }

func timed(t timing) option { return func(c *Config) { c.timing = t } }

func beating(beat func(context.Context, *pgx.Conn) error) option {
	return func(c *Config) { c.Beat = beat }
}

func connecting(connect func(context.Context) (*pgx.Conn, error)) option {
	return func(c *Config) { c.Connect = connect }
}

// run starts a rival and stops it at the end of the test.
func run(t *testing.T, url, name string, options ...option) *rival {
	t.Helper()
	c := &rival{
		name: name, led: make(chan *reign, 100), results: make(chan error, 1),
		done: make(chan error, 1), log: &journal{},
	}
	cfg := Config{
		Connect:     func(ctx context.Context) (*pgx.Conn, error) { return database.Connect(ctx, url, name) },
		Destination: hubspot.Info, Slots: 1, Instance: name, Log: slog.New(c.log), timing: brisk(),
	}
	for _, o := range options {
		o(&cfg)
	}
	stop, hard := context.Background(), context.Background()
	stop, c.stop = context.WithCancel(stop)
	hard, c.hard = context.WithCancel(hard)
	var wg sync.WaitGroup
	wg.Go(func() {
		c.done <- Run(stop, hard, cfg, func(ctx context.Context, s *Session) error {
			c.led <- &reign{by: c, ctx: ctx, session: s}
			select {
			case err := <-c.results:
				return err
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-stop.Done():
				return nil
			}
		})
	})
	t.Cleanup(func() {
		c.stop()
		wg.Wait()
		c.hard()
	})
	return c
}

// stops stops it and waits for the end of Run.
func (c *rival) stops(t *testing.T) {
	t.Helper()
	c.stop()
	if err := <-c.done; err != nil {
		t.Errorf("Run of %s after stop: %v", c.name, err)
	}
}

// await waits for the first reign of any of the rivals.
func await(t *testing.T, all ...*rival) *reign {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	first := make(chan *reign)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for _, c := range all {
		wg.Go(func() {
			select {
			case r := <-c.led:
				select {
				case first <- r:
				case <-ctx.Done():
					c.led <- r // for the next await
				}
			case <-ctx.Done():
			}
		})
	}
	select {
	case r := <-first:
		return r
	case <-ctx.Done():
		t.Fatal("nobody leads")
		return nil
	}
}

func (r *reign) pid(t *testing.T) (pid int) {
	t.Helper()
	err := r.session.Do(t.Context(), func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&pid)
	})
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// ends waits for the end of lead's context and returns why.
func (r *reign) ends(t *testing.T) error {
	t.Helper()
	select {
	case <-r.ctx.Done():
		return context.Cause(r.ctx)
	case <-time.After(patience):
		t.Fatal("the context of lead did not end")
		return nil
	}
}

// eventually waits until a query on the database is true, asking 50 times a second.
func eventually(t *testing.T, conn *pgx.Conn, what, query string, args ...any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		var is bool
		err := conn.QueryRow(ctx, query, args...).Scan(&is)
		if err != nil {
			t.Fatalf("waiting until %s: %v", what, err)
		}
		if is {
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("not in time: %s", what)
		}
	}
}

// waits is a query that is true while a session of that application_name waits
// for an advisory lock.
const waits = `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'contactsync/' || $1 AND wait_event = 'advisory')`

// holder returns the process holding a slot's lock, 0 for none.
func holder(t *testing.T, conn *pgx.Conn, slot int) (pid int) {
	t.Helper()
	err := conn.QueryRow(t.Context(), `SELECT coalesce(max(pid), 0) FROM pg_locks
		WHERE locktype = 'advisory' AND granted AND classid = $1::int::oid AND objid = $2::int::oid
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
		destination.LockClass, hubspot.Info.SlotLock(slot)).Scan(&pid)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// journal keeps what was logged.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) Enabled(context.Context, slog.Level) bool { return true }
func (j *journal) WithAttrs([]slog.Attr) slog.Handler       { return j }
func (j *journal) WithGroup(string) slog.Handler            { return j }

func (j *journal) Handle(_ context.Context, r slog.Record) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	line := r.Level.String() + " " + r.Message
	r.Attrs(func(a slog.Attr) bool {
		line += fmt.Sprintf(" %s=%v", a.Key, a.Value)
		return true
	})
	j.lines = append(j.lines, line)
	return nil
}

func (j *journal) all() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]string(nil), j.lines...)
}

var errTest = errors.New("made up")

// configFor is for tests that call Run themselves.
func configFor(t *testing.T, url string) Config {
	t.Helper()
	return Config{
		Connect:     func(ctx context.Context) (*pgx.Conn, error) { return database.Connect(ctx, url, "a") },
		Destination: hubspot.Info, Slots: 1, Instance: "a", Log: slog.New(&journal{}), timing: brisk(),
	}
}
