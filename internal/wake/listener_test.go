package wake

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/database"
	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/netproxy"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// patience is how long a test waits for what must come.
const patience = pgtest.Patience

// listening is a listener that runs until the end of the test.
type listening struct {
	*Listener
	signal *Signal
	log    *journal
	stop   func() // and waits
}

// listen starts one whose connections are made by connect.
func listen(t *testing.T, connect func(context.Context) (*pgx.Conn, error), heard time.Duration) *listening {
	t.Helper()
	l := &listening{signal: NewSignal(), log: &journal{}}
	l.Listener = NewListener(connect, l.signal, slog.New(l.log))
	l.timing.retry = 10 * time.Millisecond
	l.timing.heard = heard
	l.run(t)
	return l
}

func (l *listening) run(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	l.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(l.stop)
}

// woken waits for the signal.
func (l *listening) woken(t *testing.T) {
	t.Helper()
	select {
	case <-l.signal.C():
	case <-time.After(patience):
		t.Fatal("the signal is not set")
	}
}

// until wakes and looks, as a consumer does, until it is so.
func (l *listening) until(t *testing.T, what string, is func() bool) {
	t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for end := time.After(patience); !is(); {
		select {
		case <-ticker.C:
		case <-end:
			t.Fatalf("not in time: %s\n%s", what, l.log)
		}
	}
}

// listens waits until the listener listens.
func (l *listening) listens(t *testing.T) {
	t.Helper()
	l.until(t, "listening", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.line != nil && l.line.missing == 0
	})
}

// proves beats until the listener is proven.
func (l *listening) proves(t *testing.T, leader *pgx.Conn) {
	t.Helper()
	l.until(t, "proven", func() bool {
		if err := l.Beat(t.Context(), leader); err != nil {
			t.Fatal(err)
		}
		return l.Proven()
	})
}

func to(url string) func(context.Context) (*pgx.Conn, error) {
	return func(ctx context.Context) (*pgx.Conn, error) { return database.Connect(ctx, url, "listener") }
}

func notify(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), "SELECT pg_notify('contact_queued', '')"); err != nil {
		t.Fatal(err)
	}
}

// drained takes what the signal holds after everything sent so far was heard: a
// beat comes after it, in the order of commits.
func (l *listening) drained(t *testing.T, leader *pgx.Conn) {
	t.Helper()
	l.proves(t, leader)
	select {
	case <-l.signal.C():
	default:
	}
}

func TestNotificationWakes(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	leader := pgtest.Connect(t, url)
	l := listen(t, to(url), patience)
	l.woken(t) // it has just connected
	l.drained(t, leader)
	for range 10 {
		began := time.Now()
		notify(t, leader)
		l.woken(t)
		t.Logf("from notify to wake-up: %s", time.Since(began).Round(time.Microsecond))
	}
}

func TestLostConnectionIsReplaced(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	leader := pgtest.Connect(t, url)
	l := listen(t, to(url), patience)
	l.drained(t, leader)
	if !l.Proven() {
		t.Fatal("not proven")
	}
	pgtest.Exec(t, url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'contactsync/listener'")
	l.woken(t) // to look by itself, or because there may be a backlog
	l.until(t, "a beat unheard or the next connection", func() bool {
		return l.log.count("no notifications") == 1
	})
	l.proves(t, leader)
	l.drained(t, leader)
	notify(t, leader)
	l.woken(t)
	if l.log.count("arrive again") != 1 || l.log.count("no notifications") != 1 {
		t.Errorf("want one line for the loss and one for the return:\n%s", l.log)
	}
}

// The backlog: what was queued while there was no connection is found because
// the next one wakes.
func TestConnectingWakes(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	open := make(chan struct{})
	l := listen(t, func(ctx context.Context) (*pgx.Conn, error) {
		select {
		case <-open:
			return to(url)(ctx)
		default:
			return nil, errors.New("nobody there")
		}
	}, patience)
	l.until(t, "told", func() bool { return l.log.count("no notifications") > 0 })
	close(open)
	// Failing sets the signal too, so it is told apart by the connection standing.
	l.listens(t)
	l.woken(t)
	if l.log.count("no notifications") != 1 {
		t.Errorf("want one line for any number of failures:\n%s", l.log)
	}
}

// A connection can go deaf without an error: the listener's never asks whether
// the other end is there. Even closing it must not hang then.
func TestDeafConnectionIsReplaced(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	direct := pgtest.Empty(t)
	leader := pgtest.Connect(t, direct)
	proxy := netproxy.New(t, direct)
	attempts := make(chan struct{}, 1000)
	l := listen(t, func(ctx context.Context) (*pgx.Conn, error) {
		attempts <- struct{}{}
		return to(proxy.URL() + "&connect_timeout=1")(ctx)
	}, 2*time.Second)
	l.proves(t, leader)
	for len(attempts) > 0 {
		<-attempts
	}
	began := time.Now()
	proxy.Freeze()
	l.until(t, "another connection is tried", func() bool {
		if err := l.Beat(t.Context(), leader); err != nil {
			t.Fatal(err)
		}
		return len(attempts) > 0
	})
	t.Logf("the next connection was tried after %s", time.Since(began).Round(time.Millisecond))
	if l.Proven() {
		t.Error("proven on a connection that missed a beat")
	}
	l.woken(t)
	proxy.Thaw()
	l.proves(t, leader)
	l.stop()
	if l.log.count("DATABASE_DIRECT_URL") != 0 {
		t.Errorf("a connection that worked before is no pooler's:\n%s", l.log)
	}
}

func TestRunEndsAlthoughTheServerIsSilent(t *testing.T) {
	t.Parallel()
	direct := pgtest.Empty(t)
	proxy := netproxy.New(t, direct)
	l := listen(t, to(proxy.URL()), patience)
	l.proves(t, pgtest.Connect(t, direct))
	proxy.Freeze()
	l.stop()
	if l.Proven() {
		t.Error("proven after Run has ended")
	}
	proxy.Thaw()
	l.run(t) // a slot may be led again
	l.proves(t, pgtest.Connect(t, direct))
}

// LISTEN that is not answered has a deadline, which pgxlisten does not give it.
func TestListenHasADeadline(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	direct := pgtest.Empty(t)
	proxy := netproxy.New(t, direct)
	l := &listening{signal: NewSignal(), log: &journal{}}
	freeze := sync.OnceFunc(proxy.Freeze)
	l.Listener = NewListener(func(ctx context.Context) (*pgx.Conn, error) {
		conn, err := to(proxy.URL() + "&connect_timeout=1")(ctx)
		freeze() // between connecting and LISTEN
		return conn, err
	}, l.signal, slog.New(l.log))
	l.timing.listen, l.timing.retry = 100*time.Millisecond, 10*time.Millisecond
	l.run(t)
	l.until(t, "given up", func() bool { return l.log.count("no notifications") > 0 })
	proxy.Thaw()
	l.listens(t)
}

func TestPoolerIsNamedOnce(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	direct := pgtest.Empty(t)
	leader := pgtest.Connect(t, direct)
	pooler := netproxy.NewPooler(t, direct, netproxy.Transaction)
	connections := make(chan struct{}, 1000)
	l := listen(t, func(ctx context.Context) (*pgx.Conn, error) {
		connections <- struct{}{}
		return pgx.Connect(ctx, pooler.URL())
	}, 100*time.Millisecond)
	l.until(t, "four connections", func() bool {
		if err := l.Beat(t.Context(), leader); err != nil {
			t.Fatal(err)
		}
		return len(connections) >= 4
	})
	if l.Proven() {
		t.Error("proven through a pooler")
	}
	if l.log.count("DATABASE_DIRECT_URL") != 1 || l.log.count("no notifications") != 1 {
		t.Errorf("want the state and the remedy once each:\n%s", l.log)
	}
}

func TestBeatsOfOthersProveNothing(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	leader := pgtest.Connect(t, url)
	a, b := listen(t, to(url), patience), listen(t, to(url), patience)
	a.listens(t)
	b.proves(t, leader)
	for _, payload := range []string{"", "x", ":", "x:1", a.name, a.name + ":", a.name + ":x", a.name + ":-1"} {
		if _, err := leader.Exec(t.Context(), "SELECT pg_notify('contactsync_beat', $1)", payload); err != nil {
			t.Fatal(err)
		}
	}
	for len(a.signal.C()) > 0 {
		<-a.signal.C()
	}
	notify(t, leader)
	a.woken(t) // so a has heard all of the above
	if a.Proven() {
		t.Error("proven by another's beat")
	}
}

func TestBeatFails(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	leader := pgtest.Connect(t, url)
	l := listen(t, to(url), 10*time.Millisecond)
	l.listens(t)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Beat(gone, leader); !errors.Is(err, context.Canceled) {
		t.Errorf("Beat: %v", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.line == nil || l.line.pending != 0 {
		t.Error("a beat that was never sent is waited for")
	}
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

func (j *journal) count(part string) int { return strings.Count(j.String(), part) }

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.lines, "\n")
}
