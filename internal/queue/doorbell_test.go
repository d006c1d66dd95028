package queue

import (
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
)

// deadline bounds the wait for events that must come; it is no measurement.
const deadline = pgtest.Patience

const queueOne = `INSERT INTO contacts (email, hubspot_processing_status) VALUES ('one@example.org', 'Queued')`

func TestArmedConsumerIsRung(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	q := b.leader(0)
	ear := connect(t, b.url, false)
	if _, err := ear.Exec(t.Context(), `LISTEN contact_queued`); err != nil {
		t.Fatal(err)
	}
	if state := arm(t, q); !state.Armed || state.Due || state.Next < 23*time.Hour {
		t.Fatalf("state %+v, want armed with nothing to do", state)
	}
	b.exec(queueOne)
	mustHear(t, ear)
	if n := len(claim(t, q, 1).Contacts); n != 1 {
		t.Errorf("%d claimed, want 1", n)
	}
	// The claim gave the doorbell back: nobody rings for a consumer that works.
	if got := b.ask(`SELECT pg_try_advisory_xact_lock_shared($1, $2)::text`, destination.LockClass, hubspot.Info.Doorbell()); got != "true" {
		t.Error("the doorbell is still held after a claim: every writer rings")
	}
	b.exec(`INSERT INTO contacts (email, hubspot_processing_status) VALUES ('another@example.org', 'Queued')`)
	if state := arm(t, q); !state.Armed || !state.Due {
		t.Errorf("state %+v, want a row that nobody rang for to be seen", state)
	}
	if got := b.ask(`SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory' AND objid = 1 AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`); got != "1" {
		t.Errorf("the doorbell is held %s times, want once", got)
	}
}

// While a writer that kept silent has its transaction open, the consumer cannot
// arm; and it must not wait in the lock's queue, or every other writer would
// have to ring.
func TestArmNeverWaitsForAWriter(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	q := b.leader(0)
	tx, err := b.app.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), queueOne); err != nil {
		t.Fatal(err)
	}
	if state := arm(t, q); state.Armed { // would hang here if it waited
		t.Fatal("armed beside an open writer: its commit would be missed")
	}
	var free bool
	other := connect(t, b.url, false)
	if err := other.QueryRow(t.Context(), `SELECT pg_try_advisory_xact_lock_shared($1, $2)`, destination.LockClass, hubspot.Info.Doorbell()).Scan(&free); err != nil || !free {
		t.Errorf("another writer would have to ring (%v)", err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if state := arm(t, q); !state.Armed || !state.Due {
		t.Errorf("state %+v after the commit, want armed and due", state)
	}
}

// A row that a stranger holds locked is passed over by the claim and nobody
// rings at the unlock; the last look sees it all the same.
func TestLastLookSeesLockedRows(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.queued(1)[0]
	q := b.leader(0)
	tx, err := b.app.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `UPDATE contacts SET name = 'held' WHERE id = $1`, id); err != nil {
		t.Fatal(err)
	}
	if n := len(claim(t, q, 1).Contacts); n != 0 {
		t.Fatalf("%d claimed, want the locked row passed over", n)
	}
	if state := arm(t, q); !state.Armed || !state.Due {
		t.Errorf("state %+v, want armed and due", state)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(claim(t, q, 1).Contacts); n != 1 {
		t.Errorf("%d claimed after the unlock, want 1", n)
	}
}

// Two consumers: one sleeps on the doorbell, the other cannot arm; when the
// first dies, the doorbell is free.
func TestDoorbellGoesWithItsSession(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first, second := b.leader(0), b.leader(1)
	if !arm(t, first).Armed {
		t.Fatal("not armed")
	}
	if arm(t, second).Armed {
		t.Fatal("both are armed")
	}
	die(t, first)
	for end := time.Now().Add(deadline); !arm(t, second).Armed; {
		if time.Now().After(end) {
			t.Fatal("the doorbell of a dead session is never freed")
		}
	}
}

func TestFullClaimRingsTheOtherLeaders(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.queued(3)
	ear := connect(t, b.url, false)
	if _, err := ear.Exec(t.Context(), `LISTEN contact_queued`); err != nil {
		t.Fatal(err)
	}
	q := b.leader(0, func(o *Options) { o.Slots = 2 })
	claim(t, q, 3)
	mustHear(t, ear)
}

func TestPauseIsShown(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	q := b.leader(0)
	shown := func() string {
		return b.ask(`SELECT concat_ws(' ', pause_code, pause_reason, round(extract(epoch FROM pause_until - pause_since))) FROM contactsync.slots`)
	}
	if err := q.ShowPause(t.Context(), &contact.AccountPause{Code: contact.CodeDailyLimit, Reason: "spent", For: time.Hour}); err != nil {
		t.Fatal(err)
	}
	if got := shown(); got != "DAILY_LIMIT spent 3600" {
		t.Errorf("shown %q", got)
	}
	if err := q.ShowPause(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if got := shown(); got != "" {
		t.Errorf("shown %q after its end", got)
	}
}

func TestMakeDueThatWaitedForTheAccount(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ids := b.queued(3)
	b.exec(`UPDATE contacts SET next_retry_at = now() + interval '5 min'`)
	b.exec(`UPDATE contacts SET hubspot_error_code = 'UNAUTHORIZED' WHERE id = $1`, ids[0])
	b.exec(`UPDATE contacts SET hubspot_error_code = 'TIMEOUT' WHERE id = $1`, ids[1])
	n, err := b.leader(0).MakeDue(t.Context(), []contact.Code{contact.CodeUnauthorized}, 10)
	if err != nil || n != 1 {
		t.Errorf("%d rows resumed, %v; want 1", n, err)
	}
	b.wantRow(ids[0], "Queued Queued tries=0 UNAUTHORIZED - due")
}

var _ Session = (*session)(nil)
