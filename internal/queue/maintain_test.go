package queue

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/lab/needs"
)

// die is a crash: the session ends, nothing is settled.
func die(t *testing.T, q *Queue) {
	t.Helper()
	if err := q.session.(*session).conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// pass lets the quarantine pass.
func (b *bench) pass() {
	b.Helper()
	b.exec(`UPDATE contactsync.claims SET claimed_at = claimed_at - interval '1 hour', until = until - interval '1 hour'`)
}

// Nothing newer may be sent while a dead leader's request may still take
// effect, not even when the app queues the row again.
func TestRescueWaitsForTheQuarantine(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ids := b.queued(2)
	dead := b.leader(0)
	claim(t, dead, 2)
	die(t, dead)
	b.exec(`UPDATE contacts SET hubspot_processing_status = 'Queued', name = 'newer' WHERE id = $1`, ids[1])

	q := b.leader(0)
	if n := maintain(t, q); n != 0 {
		t.Errorf("%d rescued inside the quarantine", n)
	}
	if n := len(claim(t, q, 10).Contacts); n != 0 {
		t.Errorf("%d claimed inside the quarantine", n)
	}
	state := arm(t, q)
	if state.Due || state.Dead || state.Next <= 0 || state.Next > q.opt.Timeout+leaseSlack {
		t.Errorf("state %+v, want to look again when the quarantine ends", state)
	}

	b.pass()
	if state := arm(t, q); !state.Dead {
		t.Errorf("state %+v, want Dead", state)
	}
	if n := maintain(t, q); n != 1 {
		t.Errorf("%d rows requeued, want the one that was Processing", n)
	}
	b.wantRow(ids[0], "Queued Queued tries=1 WORKER_STOPPED - due")
	b.wantRow(ids[1], "Queued Processing tries=0 - - unscheduled")
	if n := len(claim(t, q, 10).Contacts); n != 2 {
		t.Errorf("%d claimed after the quarantine, want 2", n)
	}
}

func TestRescueEndsInErrorAtTheMaximum(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.queued(1)[0]
	b.exec(`SET contactsync.worker = 'on'`)
	b.exec(`UPDATE contacts SET retry_count = 3`)
	dead := b.leader(0)
	claim(t, dead, 1)
	die(t, dead)
	b.pass()
	maintain(t, b.leader(0))
	b.wantRow(id, "Error Error tries=3 WORKER_STOPPED - unscheduled")
}

// With one process left, the claims of every other slot are its to rescue, but
// never those of a leader that lives.
func TestRescueOfOtherSlots(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	b := newBench(t)
	b.queued(3)
	dead, alive := b.leader(1), b.leader(2)
	claim(t, dead, 1)
	claim(t, alive, 1)
	die(t, dead)
	b.pass()
	if n := maintain(t, b.leader(0)); n != 1 {
		t.Errorf("%d rescued, want the dead leader's row alone", n)
	}
	if got := b.ask(`SELECT string_agg(slot::text, ',') FROM contactsync.claims`); got != "2" {
		t.Errorf("claims of slots %s left, want 2", got)
	}
	if got := b.ask(`SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory' AND objid = 101 AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`); got != "0" {
		t.Errorf("the rescued slot is still locked")
	}
}

// A claim survives the deletion of its contact, so that one which is inserted
// again under the same id during a crash is not sent beside the old request.
func TestClaimSurvivesDeleteAndInsert(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.queued(1)[0]
	dead := b.leader(0)
	claim(t, dead, 1)
	die(t, dead)
	b.exec(`DELETE FROM contacts`)
	b.exec(`INSERT INTO contacts (id, email, hubspot_processing_status) VALUES ($1, 'again@example.org', 'Queued')`, id)
	q := b.leader(0)
	if n := len(claim(t, q, 1).Contacts); n != 0 {
		t.Error("claimed although a request for the old row may be under way")
	}
	b.pass()
	maintain(t, q)
	if n := len(claim(t, q, 1).Contacts); n != 1 {
		t.Errorf("%d claimed after the quarantine, want 1", n)
	}
}

// A request without an answer leaves its contact in quarantine, also when the
// app queues it again at once.
func TestDoubtKeepsTheClaim(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ids := b.queued(2)
	q := b.leader(0)
	batch := claim(t, q, 2)
	b.exec(`UPDATE contacts SET hubspot_processing_status = 'Queued' WHERE id = $1`, ids[0])
	settle(t, q, batch, contact.Outcome{Verdict: contact.Unspent, Code: contact.CodeTimeout, InDoubt: true})
	b.wantRow(ids[0], "Queued Processing tries=0 - - unscheduled")
	b.wantRow(ids[1], "Queued Queued tries=0 - - unscheduled")
	if n := len(claim(t, q, 2).Contacts); n != 0 {
		t.Errorf("%d claimed while in doubt", n)
	}
	if state := arm(t, q); state.Due || state.Next <= 0 || state.Next > q.opt.Timeout {
		t.Errorf("state %+v, want to look again when the doubt is over", state)
	}
	b.pass()
	maintain(t, q)
	if n := len(claim(t, q, 2).Contacts); n != 2 {
		t.Errorf("%d claimed after the doubt, want 2", n)
	}
}

// Rows in quarantine at the head of the queue must not fill the claim: those
// behind them are due.
func TestQuarantineKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ids := b.queued(3)
	q := b.leader(0)
	settle(t, q, claim(t, q, 2), contact.Outcome{Verdict: contact.Unspent, Code: contact.CodeTimeout, InDoubt: true})
	if got := claim(t, q, 2).Contacts; len(got) != 1 || got[0].ID != ids[2] {
		t.Errorf("claimed %+v, want the third contact", got)
	}
}

// A row that an app holds locked is passed over by the rescue too.
func TestRescueNeverWaitsForAnApp(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ids := b.queued(2)
	dead := b.leader(0)
	claim(t, dead, 2)
	die(t, dead)
	b.pass()
	tx, err := b.app.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `SELECT FROM contacts WHERE id = $1 FOR UPDATE`, ids[0]); err != nil {
		t.Fatal(err)
	}
	q := b.leader(0)
	if n := maintain(t, q); n != 1 {
		t.Errorf("%d rescued beside a locked row, want 1", n)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := maintain(t, q); n != 1 {
		t.Errorf("%d rescued after it, want 1", n)
	}
}

// An app that saves whole rows brings an old Processing back; nobody works on
// such a row.
func TestAdoptsRowsThatNobodyWorksOn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ids := b.queued(3)
	q := b.leader(0)
	claimed := claim(t, q, 1)
	b.exec(`UPDATE contacts SET hubspot_processing_status = 'Processing', updated_at = now() - interval '16 min' WHERE id = $1`, ids[1])
	b.exec(`UPDATE contacts SET hubspot_processing_status = 'Processing', updated_at = now() WHERE id = $1`, ids[2])
	if n := maintain(t, q); n != 1 {
		t.Errorf("%d adopted, want the old one alone", n)
	}
	b.wantRow(ids[1], "Queued Queued tries=0 - - unscheduled")
	b.wantRow(ids[2], "Processing Queued tries=0 - - unscheduled")
	b.wantRow(claimed.Contacts[0].ID, "Processing Processing tries=0 - - unscheduled")
}

func TestTouchKeepsALongCycleAlive(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	b := newBench(t)
	b.queued(1)
	q := b.leader(1)
	batch := claim(t, q, 1)
	b.pass()
	if err := q.Touch(t.Context(), batch.Cycle); err != nil {
		t.Fatal(err)
	}
	die(t, q)
	if n := maintain(t, b.leader(0)); n != 0 {
		t.Error("rescued a cycle that gave a sign of life a moment ago")
	}
}

func TestPruneForgets(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	b := newBench(t)
	b.exec(`INSERT INTO contactsync.cycles (destination, finished_at) VALUES ('hubspot', now() - interval '31 days'), ('hubspot', now())`)
	b.exec(`INSERT INTO contactsync.failures (contact_id, at) VALUES (gen_random_uuid(), now() - interval '31 days'), (gen_random_uuid(), now())`)
	maintain(t, b.leader(0))
	if got := b.ask(`SELECT (SELECT count(*) FROM contactsync.cycles) || ' ' || (SELECT count(*) FROM contactsync.failures)`); got != "1 1" {
		t.Errorf("%s left, want 1 1", got)
	}
}

// Leave rings, so that another leader looks at what was released.
func TestLeaveRings(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	b := newBench(t)
	q := b.leader(0)
	ear := connect(t, b.url, false)
	if _, err := ear.Exec(t.Context(), `LISTEN contact_queued`); err != nil {
		t.Fatal(err)
	}
	if err := q.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustHear(t, ear)
	if got := b.ask(`SELECT count(*)::text FROM contactsync.slots`); got != "0" {
		t.Errorf("%s slots still have a leader", got)
	}
}

func mustHear(t *testing.T, ear *pgx.Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	if _, err := ear.WaitForNotification(ctx); err != nil {
		t.Errorf("no notification: %v", err)
	}
}
