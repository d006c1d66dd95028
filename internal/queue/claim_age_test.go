package queue

import (
	"errors"
	"testing"
	"time"
)

// A lease can be renewed while the claims are not: then the successor's
// quarantine runs, and nothing may be sent any more.
func TestUntouchedClaimsAreNotSent(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.queued(2)
	q := b.leader(0)
	fresh := func(want error) {
		t.Helper()
		if err := q.ClaimsFresh(); !errors.Is(err, want) {
			t.Errorf("may be sent: %v, want %v", err, want)
		}
	}
	late := func(cycle int64) {
		q.age.touched(cycle, time.Now().Add(-staleAfter-time.Second))
	}
	fresh(nil) // a probe of the account needs no claim
	other := claim(t, q, 1)
	batch := claim(t, q, 1)
	fresh(nil)
	late(batch.Cycle)
	late(other.Cycle)
	fresh(ErrClaimsStale)
	if err := q.Touch(t.Context(), batch.Cycle, other.Cycle); err != nil {
		t.Fatal(err)
	}
	fresh(nil)
	late(batch.Cycle)
	settle(t, q, other, synced)
	fresh(ErrClaimsStale)
	settle(t, q, batch, synced)
	fresh(nil)
	claim(t, q, 2) // gets nothing
	if len(q.age.asked) != 0 {
		t.Error("a claim of nothing counts as one that is being sent")
	}
}

// The database refuses every claim after the doorbell was given back with it.
// The queue must not believe that it still holds it: writers would keep silent.
func TestDoorbellAfterRefusedClaims(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.queued(2)
	b.exec(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''the app is against it''; END'`)
	b.exec(`CREATE TRIGGER refuse BEFORE UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION refuse()`)
	const held = `SELECT count(*)::text FROM pg_locks l JOIN pg_database d ON d.oid = l.database
		WHERE d.datname = current_database() AND l.locktype = 'advisory' AND l.objid = 1 AND l.granted`
	q := b.leader(0)
	for round := range 3 {
		state := arm(t, q)
		if n := b.ask(held); state.Armed != (n == "1") {
			t.Fatalf("round %d: believes to be armed: %t, holds %s doorbells", round, state.Armed, n)
		}
		if n := len(claim(t, q, 2).Contacts); n != 0 {
			t.Fatalf("%d claimed of what is refused", n)
		}
	}
}
