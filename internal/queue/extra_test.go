package queue

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/queue/columns"
)

func extra(names ...string) func(*Options) {
	return func(o *Options) { o.Extra = names }
}

// An edit of a mapped column in flight is an edit like any other: the row goes
// back to the queue. One of a column that is not mapped is none.
func TestExtraColumnsAreReadAndWatched(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.exec(`ALTER TABLE contacts ADD COLUMN title text, ADD COLUMN "Score" numeric, ADD COLUMN other text`)
	ids := b.queued(3)
	b.exec(`SET contactsync.worker = 'on'`)
	b.exec(`UPDATE contacts SET title = 'Chief', "Score" = 12.5`)
	q := b.leader(0, extra("title", "Score"))
	batch := claim(t, q, 3)
	for _, c := range batch.Contacts {
		if !slices.Equal(c.Extra, []string{"Chief", "12.5"}) {
			t.Errorf("read %q", c.Extra)
		}
	}
	b.exec(`UPDATE contacts SET "Score" = 13 WHERE id = $1`, ids[0])
	b.exec(`UPDATE contacts SET other = 'x' WHERE id = $1`, ids[1])
	settle(t, q, batch, synced)
	b.wantRow(ids[0], "Queued Queued tries=0 - 77 unscheduled")
	b.wantRow(ids[1], "Complete Complete tries=0 - 77 unscheduled")
	again := claim(t, q, 3)
	if len(again.Contacts) != 1 || again.Contacts[0].Extra[1] != "13" {
		t.Errorf("claimed %+v, want the edited contact", again.Contacts)
	}
	settle(t, q, again, synced)
	byHand, err := b.leader(1, extra("Score")).ClaimIDs(t.Context(), ids[:1])
	if err != nil || len(byHand.Contacts) != 1 || byHand.Contacts[0].Extra[0] != "13" {
		t.Errorf("claimed by hand: %+v, %v", byHand, err)
	}
}

// An app may drop a mapped column at any time. No row is to blame for that: the
// leader steps down, no other gets in, and the rows wait.
func TestAMappedColumnGoes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.exec(`ALTER TABLE contacts ADD COLUMN title text`)
	ids := b.queued(2)
	q := b.leader(0, extra("title"))
	batch := claim(t, q, 1)
	b.exec(`ALTER TABLE contacts DROP COLUMN title`)
	answered := contact.Answered{Batch: batch, Report: contact.Report{Outcomes: []contact.Outcome{synced}}}
	if _, _, err := q.Settle(t.Context(), answered); err == nil {
		t.Error("settled without the column")
	}
	if _, err := q.Claim(t.Context(), contact.InOrder(10)); err == nil {
		t.Error("claimed without the column")
	}
	b.wantRow(ids[1], "Queued Queued tries=0 - - unscheduled")

	conn := connect(t, b.url, true)
	err := New(&session{conn: conn}, Options{Target: target, Slots: 1, Extra: []string{"title", "email", "nowhere"}}).Enter(t.Context())
	bad, ok := errors.AsType[*columns.Error](err)
	if !ok || len(bad.Problems) != 2 || !strings.Contains(bad.Problems[0], `no column "title"`) {
		t.Errorf("entered without the columns: %v", err)
	}
	if got := claim(t, b.leader(1), 10); len(got.Contacts) != 1 || got.Contacts[0].ID != ids[1] {
		t.Errorf("claimed %+v without the map", got.Contacts)
	}
}

// An app's trigger that is broken refuses rows, as any constraint does.
func TestABrokenTriggerIsTheRowsOwnTrouble(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ids := b.queued(2)
	b.exec(`CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF NEW.hubspot_processing_status = 'Processing' AND NEW.email LIKE 'c1@%' THEN PERFORM no_such_function(); END IF; RETURN NEW; END $$`)
	b.exec(`CREATE TRIGGER broken BEFORE UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION broken()`)
	if got := claim(t, b.leader(0), 10); len(got.Contacts) != 1 || got.Contacts[0].ID != ids[1] {
		t.Errorf("claimed %+v, want the other row alone", got.Contacts)
	}
	b.wantRow(ids[0], "Error Error tries=0 OTHER - unscheduled")
}

// BenchmarkClaim is a claim of 100 rows, with its settle, by the number of mapped
// columns: a third each of texts, numbers and times.
func BenchmarkClaim(b *testing.B) {
	for _, n := range []int{0, 5, 30} {
		b.Run(fmt.Sprintf("mapped=%d", n), func(b *testing.B) { benchmarkClaim(b, n) })
	}
}

func benchmarkClaim(b *testing.B, n int) {
	b.Helper()
	db := newBench(b)
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("extra_%d", i))
		db.exec(fmt.Sprintf(`ALTER TABLE contacts ADD COLUMN extra_%d %s`, i, []string{"text", "numeric", "timestamptz"}[i%3]))
		db.exec(fmt.Sprintf(`ALTER TABLE contacts ALTER COLUMN extra_%d SET DEFAULT %s`, i, []string{"'some words of a person'", "1234.5", "now()"}[i%3]))
	}
	db.queued(10_000)
	db.exec(`VACUUM ANALYZE contacts`)
	q := db.leader(0, extra(names...))
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		batch := claim(b, q, 100)
		took = append(took, time.Since(began))
		if len(batch.Contacts) != 100 {
			b.Fatalf("claimed %d", len(batch.Contacts))
		}
		settle(b, q, batch, contact.Outcome{Verdict: contact.Unspent})
	}
	slices.Sort(took)
	b.ReportMetric(took[len(took)/2].Seconds()*1000, "median-ms/claim")
	b.ReportMetric(took[0].Seconds()*1000, "least-ms/claim")
}
