package leader

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/scrapersky/contactsync/internal/database"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/netproxy"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
)

func TestThreeSlotsFourRivals(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	db := pgtest.Connect(t, url)
	all := make([]*rival, 4)
	for i := range all {
		all[i] = run(t, url, fmt.Sprint("c", i), slots(3))
	}
	leading := map[int]*reign{}
	for range 3 {
		r := await(t, all...)
		if other := leading[r.session.Slot()]; other != nil {
			t.Fatalf("%s and %s both lead slot %d", r.by.name, other.by.name, r.session.Slot())
		}
		leading[r.session.Slot()] = r
	}
	for k := range 3 {
		if leading[k] == nil {
			t.Fatalf("nobody leads slot %d", k)
		}
		if got, want := holder(t, db, k), leading[k].pid(t); got != want {
			t.Errorf("lock of slot %d is held by %d, led by %d", k, got, want)
		}
	}
	var fourth *rival
	for _, c := range all {
		if leading[0].by != c && leading[1].by != c && leading[2].by != c {
			fourth = c
		}
	}
	eventually(t, db, "the fourth waits", waits, fourth.name)
	if len(fourth.led) > 0 {
		t.Fatal("four lead three slots")
	}

	gone := leading[1]
	gone.by.stops(t)
	if r := await(t, fourth); r.session.Slot() != 1 {
		t.Errorf("the fourth leads slot %d, want the one that became free", r.session.Slot())
	}
}

// Each destination has slots of its own, also where their numbers are the same.
func TestDestinationsDoNotShareSlots(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	db := pgtest.Connect(t, url)
	acme := destination.Info{Name: "acme", Ordinal: 7}
	first := await(t, run(t, url, "hubspot"))
	second := await(t, run(t, url, "acme", func(c *Config) { c.Destination = acme }))
	if first.session.Slot() != 0 || second.session.Slot() != 0 {
		t.Errorf("they lead slots %d and %d, want 0 of each", first.session.Slot(), second.session.Slot())
	}
	if got, want := pgtest.Value[int](t, url, fmt.Sprintf(`SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = %d
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`, acme.SlotLock(0))), second.pid(t); got != want {
		t.Errorf("acme's lock is held by %d, want %d", got, want)
	}
	if got, want := holder(t, db, 0), first.pid(t); got != want {
		t.Errorf("HubSpot's lock is held by %d, want %d", got, want)
	}
}

// A waiter that blocks CREATE INDEX CONCURRENTLY, or that the server's log is
// full of, would be noticed only in production.
func TestFollowersAreQuiet(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	db := pgtest.Connect(t, url)
	pgtest.Exec(t, url, "CREATE TABLE t WITH (autovacuum_enabled = off) AS SELECT generate_series(1, 1000) AS id")
	long := brisk()
	long.wait = defaultTiming().wait
	await(t, run(t, url, "a", timed(long)))
	for _, name := range []string{"b", "c"} {
		run(t, url, name, timed(long))
		eventually(t, db, name+" waits", waits, name)
	}

	began := time.Now()
	pgtest.Exec(t, url, "CREATE INDEX CONCURRENTLY i ON t (id)")
	t.Logf("CREATE INDEX CONCURRENTLY beside two followers: %s", time.Since(began).Round(time.Millisecond))
	if !pgtest.Value[bool](t, url, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass") {
		t.Error("the index is invalid")
	}

	// A statement that fails rolls its transaction back, and the server counts
	// that; what the followers catch themselves it does not count or log.
	const rounds = "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'contactsync/b' AND xact_start > $1"
	for range 3 {
		now := pgtest.Value[time.Time](t, url, "SELECT clock_timestamp()")
		eventually(t, db, "another round of waiting", rounds, now)
	}
	if _, err := db.Exec(t.Context(), "SELECT pg_stat_clear_snapshot()"); err != nil {
		t.Fatal(err)
	}
	if n := pgtest.Value[int64](t, url, "SELECT xact_rollback FROM pg_stat_database WHERE datname = current_database()"); n != 0 {
		t.Errorf("%d transactions were rolled back", n)
	}
}

// A grant that comes in the moment of the timeout survives the exception. The
// answer must come from pg_locks: a follower that trusted its own timeout would
// hold the lock for ever and never lead.
func TestGrantInTheMomentOfTheTimeout(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	holder := pgtest.Connect(t, url)
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	timedOut := false
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		timedOut = timedOut || strings.HasPrefix(n.Message, "no slot within")
	}
	waiter, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer database.Close(t.Context(), waiter)
	if _, err := waiter.Exec(t.Context(), "SET client_min_messages = debug1"); err != nil {
		t.Fatal(err)
	}
	cfg := configFor(t, url)
	cfg.timing.wait = time.Millisecond
	c := newCandidate(cfg)
	if err := c.startLease(t.Context(), waiter); err != nil {
		t.Fatal(err)
	}

	exec := func(conn *pgx.Conn, sql string) {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Error(err)
		}
	}
	deadline := time.Now().Add(patience)
	slips, rounds := 0, 0
	for ; slips < 5; rounds++ {
		if time.Now().After(deadline) {
			t.Fatalf("%d slips in %d rounds within %s: this test shows nothing", slips, rounds, patience)
		}
		exec(holder, "SELECT pg_advisory_lock(1668507251, 100)")
		freed := make(chan struct{})
		go func() {
			defer close(freed)
			exec(holder, fmt.Sprintf("SELECT pg_sleep(%g), pg_advisory_unlock(1668507251, 100)", (0.2+1.6*rand.Float64())/1000))
		}()
		timedOut = false
		held, err := c.wait(t.Context(), waiter)
		if err != nil {
			t.Fatal(err)
		}
		<-freed
		if _, got := c.slot(held); got {
			if timedOut {
				slips++
			}
			if len(held.slots) != 1 {
				t.Fatalf("holds %v", held.slots)
			}
			exec(waiter, "SELECT pg_advisory_unlock(1668507251, 100)")
		}
		// Whatever it answered is the truth: nothing is left that it did not tell.
		var left int
		err = waiter.QueryRow(t.Context(), "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()").Scan(&left)
		if err != nil || left != 0 {
			t.Fatalf("round %d: %d locks are held and not told (%v)", rounds, left, err)
		}
	}
	t.Logf("%d of %d waits timed out and held the lock", slips, rounds)
}

// A pooler may come up that Connect's own look did not find.
func TestPoolerIsRefused(t *testing.T) {
	t.Parallel()
	pooler := netproxy.NewPooler(t, pgtest.Empty(t), netproxy.Transaction)
	t.Run("by Connect", func(t *testing.T) {
		t.Parallel()
		err := Run(t.Context(), t.Context(), configFor(t, pooler.URL()), mustNotLead(t))
		if _, ok := errors.AsType[*PooledError](err); !ok {
			t.Errorf("Run: %v, want a *PooledError", err)
		}
	})
	t.Run("by the proof", func(t *testing.T) {
		t.Parallel()
		conn := pgtest.Connect(t, pgtest.Empty(t))
		proof := newCandidate(configFor(t, ""))
		sane := holding{pid: conn.PgConn().PID(), worker: true, slots: []int32{proof.lock(0)}}
		moved := sane
		moved.pid++
		for name, test := range map[string]struct {
			before string
			won    holding
		}{
			"another process":  {"SET contactsync.worker = 'on'; SELECT pg_advisory_lock(1668507251, 100)", moved},
			"lock is gone":     {"SET contactsync.worker = 'on'", sane},
			"another's lock":   {"SET contactsync.worker = 'on'; SELECT pg_advisory_lock(1668507251, 101)", sane},
			"shared lock":      {"SET contactsync.worker = 'on'; SELECT pg_advisory_lock_shared(1668507251, 100)", sane},
			"settings is gone": {"RESET contactsync.worker; SELECT pg_advisory_lock(1668507251, 100)", sane},
		} {
			if _, err := conn.Exec(t.Context(), test.before, pgx.QueryExecModeSimpleProtocol); err != nil {
				t.Fatal(err)
			}
			_, err := proof.prove(t.Context(), conn, 0, test.won)
			if _, ok := errors.AsType[*PooledError](err); !ok || !strings.Contains(err.Error(), "DATABASE_DIRECT_URL") {
				t.Errorf("%s: %v, want a *PooledError that names the remedy", name, err)
			}
			if _, err := conn.Exec(t.Context(), "SELECT pg_advisory_unlock_all()"); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func mustNotLead(t *testing.T) func(context.Context, *Session) error {
	t.Helper()
	return func(context.Context, *Session) error {
		t.Error("it leads")
		return nil
	}
}

// Every statement must be one that the server can prepare.
func TestStatementsPrepare(t *testing.T) {
	t.Parallel()
	conn := pgtest.Connect(t, pgtest.Empty(t))
	for name, stmt := range statements(hubspot.Info) {
		if _, err := conn.Prepare(t.Context(), name, stmt.SQL); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
