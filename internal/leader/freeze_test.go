package leader

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/netproxy"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
)

// requests counts what arrived, by sender.
type requests struct {
	some chan struct{} // holds a value once there was one
	mu   sync.Mutex
	from map[string]int
}

func (r *requests) ServeHTTP(_ http.ResponseWriter, req *http.Request) {
	name, err := io.ReadAll(req.Body)
	if err != nil {
		return // it never was complete
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.from[string(name)]++
	select {
	case r.some <- struct{}{}:
	default:
	}
}

func (r *requests) of(name string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.from[name]
}

func crm(t *testing.T) (*requests, string) {
	t.Helper()
	r := &requests{from: map[string]int{}, some: make(chan struct{}, 1)}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	return r, server.URL
}

func TestLeaderIsKilled(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	db := pgtest.Connect(t, url)
	_, endpoint := crm(t)
	a := start(t, url, "a", endpoint)
	a.says(t, "leads")
	b := run(t, url, "b")
	eventually(t, db, "b waits", waits, "b")
	began := time.Now()
	a.signal(t, syscall.SIGKILL)
	await(t, b)
	t.Logf("from SIGKILL to the next leader: %s", time.Since(began).Round(time.Millisecond))
}

// A frozen leader's kernel goes on acknowledging; only the server's own clock
// ends its session. When it wakes it must not send what it claimed before.
func TestLeaderIsFrozen(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	db := pgtest.Connect(t, url)
	arrived, endpoint := crm(t)
	a := start(t, url, "a", endpoint)
	a.says(t, "leads")
	b := run(t, url, "b", timed(quick()))
	eventually(t, db, "b waits", waits, "b")
	<-arrived.some
	began := time.Now()
	a.signal(t, syscall.SIGSTOP)
	await(t, b)
	t.Logf("from SIGSTOP to the next leader: %s of a lease of %s", time.Since(began).Round(time.Millisecond), quick().lease)
	before := arrived.of("a")
	a.signal(t, syscall.SIGCONT)
	a.says(t, "lost")
	eventually(t, db, "a waits in its turn", waits, "a")
	if after := arrived.of("a"); before == 0 || after != before {
		t.Errorf("%d requests of a before it was frozen, %d after it woke; want some and none", before, after-before)
	}
}

// A frozen follower can be given the lock. The server takes it back, and the
// follower notices before it leads.
func TestFollowerIsFrozen(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	db := pgtest.Connect(t, url)
	arrived, endpoint := crm(t)
	a := run(t, url, "a")
	first := await(t, a)
	b := start(t, url, "b", endpoint)

	// It is frozen while it waits in the server's queue, and alone there, so it wins.
	frozen := false
	for !frozen {
		eventually(t, db, "b waits", waits, "b")
		b.signal(t, syscall.SIGSTOP)
		if err := db.QueryRow(t.Context(), waits, "b").Scan(&frozen); err != nil {
			t.Fatal(err)
		}
		if !frozen {
			b.signal(t, syscall.SIGCONT)
		}
	}
	first.by.stops(t)
	var won bool
	if pid := holder(t, db, 0); pid != 0 {
		if err := db.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1 AND application_name = 'contactsync/b')", pid).Scan(&won); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("the frozen follower has the lock: %t", won) // its wait may have been over in between

	c := run(t, url, "c", timed(quick()))
	await(t, c)
	b.signal(t, syscall.SIGCONT)
	eventually(t, db, "b waits anew", waits, "b")
	select {
	case said := <-b.lines:
		t.Errorf("the follower that woke says %q", said)
	default:
	}
	if n := arrived.of("b"); n > 0 {
		t.Errorf("%d requests of a follower", n)
	}
}

// Behind a black hole the leader gives up before the server does.
func TestNetworkGoesSilent(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	direct := pgtest.Empty(t)
	db := pgtest.Connect(t, direct)
	proxy := netproxy.New(t, direct)
	a := run(t, proxy.URL(), "a", timed(quick()))
	first := await(t, a)
	b := run(t, direct, "b")
	eventually(t, db, "b waits", waits, "b")

	var gaveUp atomic.Int64 // nanoseconds since the silence began; 0 is not yet
	began := time.Now()
	defer context.AfterFunc(first.ctx, func() { gaveUp.Store(int64(time.Since(began))) })()
	proxy.Freeze()
	await(t, b)
	t.Logf("the leader gave up after %s, the next one came after %s; the server's end of the lease is %s",
		time.Duration(gaveUp.Load()).Round(time.Millisecond), time.Since(began).Round(time.Millisecond), quick().lease)
	if gaveUp.Load() == 0 {
		t.Error("the next one leads before the first one gave up")
	}
	if cause := first.ends(t); !errors.Is(cause, ErrLeaseLost) {
		t.Errorf("cause %v, want ErrLeaseLost", cause)
	}
	proxy.Thaw()
	eventually(t, db, "a is back", waits, "a")
}

// The statements of a leader that lost the lock without knowing cannot succeed.
func TestDoIsFencedByTheDatabase(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	lazy := brisk()
	lazy.beatEvery, lazy.giveUp = time.Hour, time.Hour // it notices nothing by itself
	a := run(t, url, "a", timed(lazy))
	first := await(t, a)
	pgtest.Exec(t, url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'contactsync/a'")
	err := first.session.Do(t.Context(), func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "CREATE TABLE written (id int)")
		return err
	})
	if !errors.Is(err, ErrLeaseLost) {
		t.Errorf("Do: %v, want ErrLeaseLost", err)
	}
	if pgtest.Value[bool](t, url, "SELECT to_regclass('written') IS NOT NULL") {
		t.Error("a leader without the lock wrote")
	}
}

func TestDoLosesACutStatement(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	for name, cut := range map[string]func(t *testing.T, s *Session) error{
		"caller's context": func(t *testing.T, s *Session) error {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			return s.Do(ctx, sleep)
		},
		"deadline": func(t *testing.T, s *Session) error {
			t.Helper()
			return s.exchange(t.Context(), 10*time.Millisecond, sleep)
		},
		"transaction left open": func(t *testing.T, s *Session) error {
			t.Helper()
			return s.Do(t.Context(), func(ctx context.Context, conn *pgx.Conn) error {
				_, err := conn.Exec(ctx, "BEGIN")
				return err
			})
		},
	} {
		r := await(t, run(t, url, name))
		if err := cut(t, r.session); !errors.Is(err, ErrLeaseLost) {
			t.Errorf("%s: %v, want ErrLeaseLost", name, err)
		}
		if err := r.ends(t); !errors.Is(err, ErrLeaseLost) {
			t.Errorf("%s: lead's context ended for %v", name, err)
		}
		r.by.stops(t)
	}
}

func sleep(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, "SELECT pg_sleep(30)")
	return err
}

// An error that the server answered shows that it is there.
func TestDoPassesServerErrorsOn(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	beats := make(chan struct{}, 1000)
	a := run(t, url, "a", beating(func(ctx context.Context, conn *pgx.Conn) error {
		defer func() { beats <- struct{}{} }()
		_, err := conn.Exec(ctx, "SELECT 1/0")
		return err
	}))
	r := await(t, a)
	err := r.session.Do(t.Context(), func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "SELECT nothing")
		return err
	})
	if err == nil || errors.Is(err, ErrLeaseLost) {
		t.Errorf("Do: %v, want the server's error", err)
	}
	for len(beats) > 0 {
		<-beats
	}
	asked := time.Now()
	for range 10 {
		<-beats
	}
	if err := r.session.Fresh(); err != nil {
		t.Errorf("after 10 refused heartbeats: %v", err)
	}
	if age := r.session.lease.age(time.Now()); age > time.Since(asked) {
		t.Errorf("the last answer is %s old, refused heartbeats do not count", age)
	}
	if log := a.log.all(); count(log, "refused") != 1 {
		t.Errorf("want one line for 10 refused heartbeats, have %q", log)
	}
}

// A server that cannot be reached at all ends in the same way.
func TestConnectionIsCut(t *testing.T) {
	t.Parallel()
	direct := pgtest.Empty(t)
	proxy := netproxy.New(t, direct)
	a := run(t, proxy.URL(), "a")
	first := await(t, a)
	proxy.Cut()
	if err := first.ends(t); !errors.Is(err, ErrLeaseLost) {
		t.Errorf("cause %v", err)
	}
	second := await(t, a)
	if err := second.session.Do(t.Context(), ping); err != nil {
		t.Error(err)
	}
}
