package queue

import (
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/contact"
)

// age makes what a leader has seen of strays older.
func (b *bench) age(by string) {
	b.Helper()
	b.exec(`UPDATE contactsync.strays SET since = since - $1::text::interval`, by)
}

// A row that is Processing without a claim is adopted when a leader has seen that for 15
// minutes, whatever an app has written into updated_at: the future, or now again and again.
func TestStraysAreAdoptedByTheirOwnClock(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ids := b.queued(3)
	b.exec(`UPDATE contacts SET hubspot_processing_status = 'Processing', updated_at = now() + interval '10 years' WHERE id = $1`, ids[0])
	b.exec(`UPDATE contacts SET hubspot_processing_status = 'Processing', updated_at = 'infinity' WHERE id = $1`, ids[1])
	b.exec(`UPDATE contacts SET hubspot_processing_status = 'Processing' WHERE id = $1`, ids[2])
	q := b.leader(0)
	if n := maintain(t, q); n != 0 {
		t.Fatalf("%d adopted at once", n)
	}
	b.age("14 minutes")
	b.exec(`UPDATE contacts SET updated_at = now()`)
	if n := maintain(t, q); n != 0 {
		t.Fatalf("%d adopted after 14 minutes", n)
	}
	b.age("1 minute")
	if n := maintain(t, b.leader(1)); n != 3 {
		t.Errorf("%d adopted after 15 minutes, want all, by whichever leader", n)
	}
	maintain(t, q)
	if n := b.ask(`SELECT count(*)::text FROM contactsync.strays`); n != "0" {
		t.Errorf("%s strays are remembered that are none", n)
	}
	if batch := claim(t, q, 10); len(batch.Contacts) != 3 {
		t.Errorf("%d claimed afterwards", len(batch.Contacts))
	}
	b.age("1 hour")
	if maintain(t, q) != 0 || b.ask(`SELECT count(*)::text FROM contactsync.strays`) != "0" {
		t.Error("rows under way count as strays")
	}
}

// One row that refuses to be written keeps no other one from being rescued or adopted.
func TestARefusingRowKeepsNobodyFromBeingRequeued(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]string{
		"refused": "BEGIN IF NEW.name = 'Name 2' THEN RAISE EXCEPTION 'not this one'; END IF; RETURN NEW; END",
		"vetoed":  "BEGIN IF NEW.name = 'Name 2' THEN RETURN NULL; END IF; RETURN NEW; END",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			ids := b.queued(5)
			log, logged := told()
			dead := b.leader(0, func(o *Options) { o.Timeout = -leaseSlack })
			claim(t, dead, 3)
			b.exec(`UPDATE contacts SET hubspot_processing_status = 'Processing', updated_at = NULL WHERE name IN ('Name 4', 'Name 5')`)
			b.exec(`CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS '` + strings.ReplaceAll(a, "'", "''") + `'`)
			b.exec(`CREATE TRIGGER guard BEFORE UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION guard()`)
			q := b.leader(1, logged, func(o *Options) { o.Timeout = -leaseSlack })
			b.exec(`SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE pid = $1::int`, pidOf(t, dead))
			if n := maintain(t, q); n != 4 {
				t.Errorf("%d are queued again, want the four good ones", n)
			}
			b.wantRow(ids[1], "Processing Processing tries=0 - - unscheduled")
			b.exec(`UPDATE contacts SET hubspot_processing_status = NULL WHERE name <> 'Name 2'`)
			if name == "refused" { // its dead claim is put off
				b.tryAgain(q)
			}
			maintain(t, q) // sees that nobody works on it
			b.age("15 minutes")
			maintain(t, q)
			if got := b.refusals(); !strings.Contains(got, "requeue") || !strings.HasSuffix(got, " 1") {
				t.Errorf("refusals are %q", got)
			}
			if n := strings.Count(log.String(), "level=WARN"); n != 1 || !strings.Contains(log.String(), "guard on contacts") {
				t.Errorf("%d warnings, want one:\n%s", n, log)
			}
			b.exec(`DROP TRIGGER guard ON contacts`)
			b.tryAgain(q)
			n := maintain(t, q)
			b.age("15 minutes")
			if n += maintain(t, q); n != 1 {
				t.Errorf("%d adopted afterwards", n)
			}
		})
	}
}

// A trigger that skips the row when its outcome is to be written: it is told, the claim
// stays, the others are settled, and so is the row when the trigger lets it.
func TestVetoedOutcome(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ids := b.queued(3)
	log, logged := told()
	q := b.leader(0, logged)
	batch := claim(t, q, 3)
	b.exec(`CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF NEW.name = ''Name 2'' THEN RETURN NULL; END IF; RETURN NEW; END'`)
	b.exec(`CREATE TRIGGER guard BEFORE UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION guard()`)
	done, rest := settle(t, q, batch, synced)
	if len(done) != 2 || len(rest.Contacts) != 1 || rest.Contacts[0].ID != ids[1] {
		t.Fatalf("settled %v, left %v", done, rest.Contacts)
	}
	if _, _, err := q.Settle(t.Context(), rest); err == nil || !strings.Contains(err.Error(), "returned NULL") {
		t.Errorf("settled again: %v, want the veto", err)
	}
	b.wantRow(ids[1], "Processing Processing tries=0 - - unscheduled")
	if got := b.refusals(); got != "settle veto one of the triggers guard on contacts 1" {
		t.Errorf("refusals are %q", got)
	}
	if n := strings.Count(log.String(), "level=WARN"); n != 1 {
		t.Errorf("%d warnings, want one:\n%s", n, log)
	}
	if got := b.ask(`SELECT claimed || ' ' || synced FROM contactsync.cycles`); got != "2 2" {
		t.Errorf("claimed and synced are counted %s", got)
	}
	b.exec(`DROP TRIGGER guard ON contacts`)
	answered := contact.Answered{Batch: rest.Batch, Report: contact.Report{Outcomes: rest.Outcomes}}
	if done, rest, err := q.Settle(t.Context(), answered); err != nil || len(done) != 1 || len(rest.Contacts) != 0 {
		t.Errorf("settled %v, left %v (%v)", done, rest.Contacts, err)
	}
	b.wantRow(ids[1], "Complete Complete tries=0 - 77 unscheduled")
	if n := b.ask(`SELECT count(*)::text FROM contactsync.claims`); n != "0" {
		t.Errorf("%s claims are left", n)
	}
}

// Rows that nobody has told since when they wait come after those that wait already, and
// before those that come after them: they neither starve others nor are starved.
func TestUndatedRowsTakeTheirTurn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.exec(`INSERT INTO contacts (email, name, hubspot_processing_status) SELECT 'u' || i, 'undated', 'Queued' FROM generate_series(1, 5) i`)
	b.queued(4)
	q := b.leader(0)
	names := func(batch contact.Batch) (list []string) {
		for _, c := range batch.Contacts {
			list = append(list, strings.Fields(c.Name)[0])
		}
		return list
	}
	if got := strings.Join(names(claim(t, q, 3)), " "); got != "Name Name Name" {
		t.Errorf("claimed first: %s, want those that wait for an hour", got)
	}
	maintain(t, q)
	b.exec(`INSERT INTO contacts (email, name, hubspot_processing_status, hubspot_queued_at) SELECT 'l' || i, 'later', 'Queued', now() + interval '1 second' FROM generate_series(1, 20) i`)
	if got := strings.Join(names(claim(t, q, 7)), " "); got != "Name undated undated undated undated undated later" {
		t.Errorf("claimed then: %s", got)
	}
	if n := b.ask(`SELECT count(*)::text FROM contacts WHERE hubspot_queued_at IS NULL`); n != "0" {
		t.Errorf("%s have no time still", n)
	}
}
