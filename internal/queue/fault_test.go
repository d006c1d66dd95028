package queue

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/scrapersky/contactsync/internal/contact"
)

func TestMarked(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]bool{
		"53100": true, "53200": true, "58030": true, "XX001": true, "40P01": true, "40001": true, "08006": true,
		"25006": true, "42501": true, "55P03": true, "57014": true, "57P01": true,
		"22001": false, "23514": false, "23505": false, "P0001": false, "42703": false, "25P02": false, "": false,
	} {
		if got := errors.Is(marked(t.Context(), &pgconn.PgError{Code: code}), contact.ErrTrouble); got != want {
			t.Errorf("SQLSTATE %q is the database's trouble: %t, want %t", code, got, want)
		}
	}
}

// refuse makes the database refuse writes to a table with a SQLSTATE of its own,
// for rows of which the condition is true, until the function it answers is called.
func (b *bench) refuse(table, code, condition string) (mend func()) {
	b.Helper()
	b.exec(fmt.Sprintf(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
		'BEGIN RAISE EXCEPTION ''no space left on device'' USING ERRCODE = ''%s''; END'`, code))
	b.exec(fmt.Sprintf(`CREATE TRIGGER refuse BEFORE UPDATE ON %s FOR EACH ROW WHEN (%s) EXECUTE FUNCTION refuse()`, table, condition))
	return func() {
		b.Helper()
		b.exec(`DROP FUNCTION refuse() CASCADE`)
	}
}

// While the database is in trouble a claim marks no row and skips none, the
// doorbell is what the queue believes, and a settle or a touch can be repeated.
func TestTroubleMarksNoRow(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ids := b.queued(3)
	q := b.leader(0)
	const bells = `SELECT count(*)::text FROM pg_locks l JOIN pg_database d ON d.oid = l.database
		WHERE d.datname = current_database() AND l.locktype = 'advisory' AND l.objid = 1 AND l.granted`
	mend := b.refuse("contacts", "53100", "true")
	for range 2 * trustedTries {
		if state := arm(t, q); !state.Due || state.Armed != (b.ask(bells) == "1") {
			t.Fatalf("state %+v with %s doorbells held", state, b.ask(bells))
		}
		if _, err := q.Claim(t.Context(), contact.InOrder(2)); !errors.Is(err, contact.ErrTrouble) {
			t.Fatalf("claim: %v, want trouble", err)
		}
	}
	for _, id := range ids {
		b.wantRow(id, "Queued Queued tries=0 - - unscheduled")
	}
	mend()
	batch := claim(t, q, 3)
	if len(batch.Contacts) != 3 {
		t.Fatalf("%d claimed after the trouble, want all three", len(batch.Contacts))
	}
	mend = b.refuse("contactsync.claims", "53100", "true")
	if err := q.Touch(t.Context(), batch.Cycle); !errors.Is(err, contact.ErrTrouble) {
		t.Errorf("touch: %v, want trouble", err)
	}
	mend()
	answered := contact.Answered{Batch: batch, Report: contact.Report{Outcomes: []contact.Outcome{synced, synced, synced}}}
	mend = b.refuse("contacts", "57014", "true")
	if _, _, err := q.Settle(t.Context(), answered); !errors.Is(err, contact.ErrTrouble) {
		t.Errorf("settle: %v, want trouble", err)
	}
	mend()
	if done, rest, err := q.Settle(t.Context(), answered); err != nil || len(done) != 3 || len(rest.Contacts) != 0 {
		t.Errorf("settled %v, left %v, error %v", done, rest.Contacts, err)
	}
}

// One row that makes the database itself fail is found after a while, and left
// alone for a minute: the others are claimed. It is never ended in Error for it.
func TestTroubleOfOneRowIsFound(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ids := b.queued(4)
	q := b.leader(0)
	mend := b.refuse("contacts", "XX001", "NEW.name = 'Name 2'")
	var batch contact.Batch
	tries := 0
	for ; len(batch.Contacts) == 0 && tries < 100; tries++ {
		var err error
		if batch, err = q.Claim(t.Context(), contact.InOrder(3)); err != nil && !errors.Is(err, contact.ErrTrouble) {
			t.Fatal(err)
		}
	}
	if len(batch.Contacts) < 2 || tries <= trustedTries {
		t.Errorf("%d claimed after %d tries, want the others, but not at once", len(batch.Contacts), tries)
	}
	b.wantRow(ids[1], "Queued Queued tries=0 - - unscheduled")
	claim(t, q, 3)
	if n := b.claims(); n != "3" {
		t.Errorf("%s claims, want those of the three others", n)
	}
	if state := arm(t, q); state.Due || state.Next > leaveAloneFor || state.Next < leaveAloneFor/2 {
		t.Errorf("state %+v, want to be woken within a minute for the row that was left alone", state)
	}
	mend()
	b.tryAgain(q)
	if n := len(claim(t, q, 3).Contacts); n != 1 {
		t.Errorf("%d claimed after a minute, want the one that was left alone", n)
	}
}

// A rescue that fails must not keep another slot's lock: nobody could lead it.
func TestFailedRescueFreesTheSlot(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.queued(1)
	old := func(o *Options) { o.Timeout = -leaseSlack }
	claim(t, b.leader(1, old), 1)
	b.exec(`SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'contactsync/test'`)
	q := b.leader(0, old)
	mend := b.refuse("contacts", "40P01", "true")
	if _, err := q.Maintain(t.Context()); err == nil || !strings.Contains(err.Error(), "40P01") {
		t.Fatalf("maintain: %v, want the rescue refused", err)
	}
	if n := b.ask(`SELECT count(*)::text FROM pg_locks WHERE pid = $1 AND locktype = 'advisory' AND objid = 101 AND granted`, pidOf(t, q)); n != "0" {
		t.Error("the other slot's lock is still held")
	}
	mend()
}
