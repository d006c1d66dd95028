package leader

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/database"
	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
)

func TestOneLeadsAndTheNextTakesOver(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	db := pgtest.Connect(t, url)
	a, b := run(t, url, "a"), run(t, url, "b")
	first := await(t, a, b)
	second := b
	if first.by == b {
		second = a
	}
	if got, want := holder(t, db, 0), first.pid(t); got != want {
		t.Fatalf("process %d holds the lock, the session's is %d", got, want)
	}
	eventually(t, db, "the other one waits", waits, second.name)

	// Each has one connection, whoever leads.
	for _, c := range []*rival{a, b} {
		var n int
		err := db.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1", "contactsync/"+c.name).Scan(&n)
		if err != nil || n != 1 {
			t.Errorf("%s has %d connections, want 1 (%v)", c.name, n, err)
		}
	}

	first.by.stops(t) // orderly: lead returns by itself
	next := await(t, second)
	if next.session.Slot() != 0 {
		t.Errorf("slot %d", next.session.Slot())
	}
}

func TestLeaderIsTerminated(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	db := pgtest.Connect(t, url)
	a := run(t, url, "a")
	first := await(t, a)
	b := run(t, url, "b")
	eventually(t, db, "b waits", waits, "b")
	began := time.Now()
	pgtest.Exec(t, url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'contactsync/a'")
	next := await(t, b)
	t.Logf("from terminate to the next leader: %s", time.Since(began).Round(time.Millisecond))
	if cause := first.ends(t); !errors.Is(cause, ErrLeaseLost) {
		t.Errorf("lead's context ended for %v, want ErrLeaseLost", cause)
	}
	if err := first.session.Fresh(); !errors.Is(err, ErrLeaseLost) {
		t.Errorf("Fresh on the lost session: %v", err)
	}
	err := first.session.Do(t.Context(), func(context.Context, *pgx.Conn) error {
		t.Error("Do ran on a lost session")
		return nil
	})
	if !errors.Is(err, ErrLeaseLost) {
		t.Errorf("Do on the lost session: %v", err)
	}
	eventually(t, db, "a waits in its turn", waits, "a")
	next.by.results <- nil // b gives up by itself, a leads anew
	await(t, a)
}

func TestFollowerIsTerminated(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	db := pgtest.Connect(t, url)
	a := run(t, url, "a")
	first := await(t, a)
	b := run(t, url, "b")
	eventually(t, db, "b waits", waits, "b")
	pgtest.Exec(t, url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'contactsync/b'")
	eventually(t, db, "b is gone", "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'contactsync/b')")
	eventually(t, db, "b waits again", waits, "b")
	first.by.stop()
	await(t, b)
	if log := strings.Join(b.log.all(), "\n"); strings.Count(log, "no database connection") != 1 || strings.Count(log, "is back") != 1 {
		t.Errorf("want one line for the loss and one for the return:\n%s", log)
	}
}

func TestDatabaseAwayIsLoggedOnce(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	tries := make(chan struct{}, 1000)
	down := make(chan struct{})
	await(t, run(t, url, "a"))
	b := run(t, url, "b", connecting(func(ctx context.Context) (*pgx.Conn, error) {
		tries <- struct{}{}
		select {
		case <-down:
			return database.Connect(ctx, url, "b")
		default:
			return nil, errTest
		}
	}))
	for range 10 {
		<-tries
	}
	close(down)
	eventually(t, pgtest.Connect(t, url), "b waits", waits, "b")
	if log := b.log.all(); count(log, "no database connection") != 1 || count(log, "waiting for a slot") > 1 {
		t.Errorf("want one line for ten failures:\n%s", strings.Join(log, "\n"))
	}
}

func count(lines []string, part string) (n int) {
	for _, line := range lines {
		if strings.Contains(line, part) {
			n++
		}
	}
	return n
}

func TestLeadFails(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	db := pgtest.Connect(t, url)
	a := run(t, url, "a")
	await(t, a)
	b := run(t, url, "b")
	eventually(t, db, "b waits", waits, "b")
	a.results <- errTest
	await(t, b) // who failed comes last
	eventually(t, db, "a waits", waits, "a")
	if log := a.log.all(); count(log, "made up") != 1 {
		t.Errorf("the error of lead is not in the log once:\n%s", strings.Join(log, "\n"))
	}
}

func TestHardEndsLeadButNotTheSession(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	stop, cancelStop := context.WithCancel(t.Context())
	defer cancelStop()
	hard, cancelHard := context.WithCancel(t.Context())
	calls := 0
	cfg := configFor(t, url)
	err := Run(stop, hard, cfg, func(ctx context.Context, s *Session) error {
		calls++
		cancelStop()
		if ctx.Err() != nil {
			t.Error("stop ended the context of lead")
		}
		cancelHard()
		<-ctx.Done()
		// The rows that were not sent are given back after that.
		return s.Do(context.WithoutCancel(ctx), ping)
	})
	if err != nil || calls != 1 {
		t.Errorf("Run: %v after %d calls of lead", err, calls)
	}
}

func TestRunStopsWhileWaiting(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	db := pgtest.Connect(t, url)
	await(t, run(t, url, "a"))
	for _, end := range []string{"stop", "hard"} {
		b := run(t, url, end)
		eventually(t, db, "it waits", waits, end)
		if end == "stop" {
			b.stop()
		} else {
			b.hard()
		}
		if err := <-b.done; err != nil {
			t.Errorf("%s: %v", end, err)
		}
		if len(b.led) > 0 {
			t.Errorf("%s: it led", end)
		}
	}
}
