package ops

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
)

func TestHeartbeat(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.New(t)
	conn := pgtest.Connect(t, url)
	line := func() string {
		t.Helper()
		return pgtest.Value[string](t, url, `SELECT coalesce(string_agg(concat_ws(' ', instance, version, role, slot, listener::text, rate_max, rate_left,
			(rate_at < now())::text, daily_max, daily_at), ', ' ORDER BY destination DESC), 'nobody') FROM contactsync.replicas`)
	}
	check := func(want string) {
		t.Helper()
		if got := line(); got != want {
			t.Errorf("listed %s, want %s", got, want)
		}
	}
	p := NewHeartbeat(Process{Instance: "one", Version: "v1"}, hubspot.Info, slog.New(slog.DiscardHandler))
	p.Beat(t.Context(), conn)
	check("one v1 follower")

	proven := false
	p.SetLeader(&Leading{
		Slot: 2, Proven: func() bool { return proven },
		Limits: func() destination.Limits {
			return destination.Limits{Rate: destination.Allowance{Max: 100, At: time.Now()}, Daily: destination.Unknown("day")}
		},
	})
	p.Beat(t.Context(), conn)
	check("one v1 leader 2 100 0 true") // what it hears is not known yet
	proven = true
	p.Beat(t.Context(), conn)
	check("one v1 leader 2 true 100 0 true")

	pgtest.Exec(t, url, "UPDATE contactsync.replicas SET version = 'seen'")
	p.Beat(t.Context(), conn)
	check("one seen leader 2 true 100 0 true") // nothing new, and not due
	other := NewHeartbeat(Process{Instance: "one", Version: "v1"}, destination.Info{Name: "acme"}, slog.New(slog.DiscardHandler))
	other.Beat(t.Context(), conn) // the same process waits for a slot of another destination
	check("one seen leader 2 true 100 0 true, one v1 follower")
	p.Remove(t.Context(), conn)
	p.SetLeader(nil)
	p.Beat(t.Context(), conn)
	check("one v1 follower")
	other.Remove(t.Context(), conn)
	check("nobody")
}

// Where it cannot be written, nothing happens: neither the connection nor the
// caller suffers, and nobody waits for a lock.
func TestHeartbeatIsModest(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.New(t)
	conn := pgtest.Connect(t, url)
	if _, err := conn.Exec(t.Context(), "SET synchronous_commit = on"); err != nil { // the tests' server has it off
		t.Fatal(err)
	}
	blocker := pgtest.Connect(t, url)
	for _, sql := range []string{"BEGIN", "LOCK contactsync.replicas"} {
		if _, err := blocker.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	NewHeartbeat(Process{Instance: "locked", Version: "v1"}, hubspot.Info, slog.New(slog.DiscardHandler)).Beat(ctx, conn)
	if _, err := conn.Exec(t.Context(), "SET default_transaction_read_only = on"); err != nil {
		t.Fatal(err)
	}
	NewHeartbeat(Process{Instance: "read-only", Version: "v1"}, hubspot.Info, slog.New(slog.DiscardHandler)).Beat(t.Context(), conn)
	if conn.IsClosed() || conn.PgConn().TxStatus() != 'I' {
		t.Error("the connection is not what it was")
	}
	var timeout, commit string
	if err := conn.QueryRow(t.Context(), "SELECT current_setting('lock_timeout'), current_setting('synchronous_commit')").Scan(&timeout, &commit); err != nil || timeout != "0" || commit != "on" {
		t.Errorf("settings stay behind: lock_timeout %s, synchronous_commit %s, %v", timeout, commit, err)
	}
}
