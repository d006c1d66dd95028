package queue

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/lab/needs"
)

// How long a contact waited is told of a first attempt that synced, from its being
// queued or its time, and of nothing else.
func TestWaited(t *testing.T) {
	t.Parallel()
	retry := contact.Outcome{Verdict: contact.Retry, Code: contact.CodeTimeout}
	tests := map[string]struct {
		before  string
		outcome contact.Outcome
		want    time.Duration // give or take a minute; 0: nothing
	}{
		"synced":               {"hubspot_queued_at = now() - interval '1 hour'", synced, time.Hour},
		"at its time":          {"hubspot_queued_at = now() - interval '1 hour', next_retry_at = now() - interval '10 min'", synced, 10 * time.Minute},
		"after a retry":        {"hubspot_queued_at = now() - interval '1 hour', retry_count = 1", synced, 0},
		"failed":               {"hubspot_queued_at = now() - interval '1 hour'", retry, 0},
		"nobody knows":         {"hubspot_queued_at = NULL", synced, 0},
		"an app's clock":       {"hubspot_queued_at = now() + interval '1 hour'", synced, 0},
		"an app's imagination": {"hubspot_queued_at = '-infinity'", synced, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.queued(1)
			b.exec(`SET contactsync.worker = 'on'`)
			b.exec(`UPDATE contacts SET ` + test.before)
			q := b.leader(0)
			done, _ := settle(t, q, claim(t, q, 1), test.outcome)
			if got := done[0].Waited; got < test.want || got > test.want+time.Minute || test.want == 0 && got != 0 {
				t.Errorf("waited %v, want %v", got, test.want)
			}
			want := "0"
			if test.want > 0 {
				want = "1"
			}
			if n := b.ask(`SELECT sum(n)::text FROM contactsync.cycles, unnest(latency) n`); n != want {
				t.Errorf("%s contacts counted, want %s", n, want)
			}
		})
	}
}

// What a person syncs may never have been queued: how old the row is says nothing.
func TestSyncedByHandDidNotWait(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ids := b.queued(1)
	b.exec(`SET contactsync.worker = 'on'`)
	b.exec(`UPDATE contacts SET hubspot_processing_status = 'Complete', hubspot_queued_at = now() - interval '30 days'`)
	q := b.leader(destination.ManualSlot)
	batch, err := q.ClaimIDs(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	done, _ := settle(t, q, batch, synced)
	if done[0].Waited != 0 {
		t.Errorf("waited %v", done[0].Waited)
	}
	if n := b.ask(`SELECT sum(n)::text FROM contactsync.cycles, unnest(latency) n`); n != "0" {
		t.Errorf("%s contacts counted", n)
	}
}

// What is settled later adds up with the rest of its cycle.
func TestWaitedAddsUp(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	b := newBench(t)
	ids := b.queued(3)
	b.exec(`UPDATE contacts SET hubspot_queued_at = now() - CASE id WHEN $1 THEN interval '2 hours' ELSE interval '1 minute' END`, ids[0])
	q := b.leader(0)
	batch := claim(t, q, 3)
	stranger := connect(t, b.url, false)
	tx, err := stranger.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `SELECT FROM contacts WHERE id = $1 FOR UPDATE`, ids[0]); err != nil {
		t.Fatal(err)
	}
	_, rest := settle(t, q, batch, synced)
	if len(rest.Contacts) != 1 {
		t.Fatalf("%d contacts left, want the locked one", len(rest.Contacts))
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, rest, err = q.Settle(t.Context(), rest); err != nil || len(rest.Contacts) != 0 {
		t.Fatalf("%d contacts left, %v", len(rest.Contacts), err)
	}
	bounds := len(contact.LatencyBounds())
	if got := b.ask(fmt.Sprintf(`SELECT concat_ws(' ', cardinality(latency), latency[%d]) FROM contactsync.cycles`, bounds+1)); got != fmt.Sprint(bounds+1, " 1") {
		t.Errorf("buckets and the longest: %s, want %d 1", got, bounds+1)
	}
	if n := b.ask(`SELECT sum(n)::text FROM contactsync.cycles, unnest(latency) n`); n != "3" {
		t.Errorf("%s contacts counted, want 3", n)
	}
}

// Each wait is counted in its bucket, and each bucket is there.
func TestWaitedIsCountedInItsBucket(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	b := newBench(t)
	bounds := contact.LatencyBounds()
	ids := b.queued(len(bounds))
	want := make([]int, len(bounds)+1)
	for i, id := range ids {
		low := max(bounds[i], 60) // shorter ones are over before the settle
		b.exec(`UPDATE contacts SET hubspot_queued_at = now() - make_interval(secs => $2) WHERE id = $1`, id, 1.5*low)
		want[slices.Index(bounds, low)+1]++
	}
	q := b.leader(0)
	settle(t, q, claim(t, q, len(ids)), synced)
	if got, want := b.ask(`SELECT latency::text FROM contactsync.cycles`), "{"+strings.Trim(strings.ReplaceAll(fmt.Sprint(want), " ", ","), "[]")+"}"; got != want {
		t.Errorf("counted %s, want %s", got, want)
	}
}
