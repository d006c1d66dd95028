package faults

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/postgres"
)

// TestStandbyIsTheTarget lets the address of the database lead to a standby for a
// while, as after half a fail-over: it answers, and refuses every write. Then it
// is promoted.
func TestStandbyIsTheTarget(t *testing.T) {
	t.Parallel()
	in, server := installApart(t)
	leader, follower := pair(in)
	email := queue(in, "before")
	awaitComplete(in, email)
	if err := server.Halt(t.Context(), postgres.Fast); err != nil {
		t.Fatal(err)
	}
	// The server must be able to take the file away when it is promoted.
	signal := filepath.Join(server.Data, "standby.signal")
	if err := os.WriteFile(signal, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(signal, 0o666); err != nil { //nolint:gosec // the server's account is another one
		t.Fatal(err)
	}
	if err := server.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	standby := time.Now()
	reconnect(in)
	if in.Ask(`SELECT pg_is_in_recovery()::text`) != "true" {
		t.Fatal("the server is no standby")
	}
	wait(in, scaled(10*time.Second, time.Minute))
	in.Exec(`SELECT pg_promote()`)
	promoted := time.Now()
	awaitComplete(in, queue(in, "after"))
	recovered := time.Since(promoted)
	lines := linesBetween(t, leader.Process, standby, promoted) + linesBetween(t, follower.Process, standby, promoted)
	t.Logf("a standby for %v: %d lines of log of both replicas; a contact queued after the promotion is synced %v after it",
		promoted.Sub(standby).Round(time.Millisecond), lines, recovered.Round(time.Millisecond))
	if most := 20 + 4*int(promoted.Sub(standby).Seconds()); lines > most {
		t.Errorf("%d lines of log while the target was a standby, want at most %d:\n%s", lines, most, leader.Tail())
	}
	if recovered > recoveryAtMost {
		t.Errorf("recovered %v after the promotion", recovered)
	}
}
