package ops_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/ops"
)

func store(t *testing.T, url string) *ops.Store {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return ops.New(pool, onContacts)
}

// cycle inserts a cycle that ended so many seconds before a time, with counts of
// latencies.
func cycle(before time.Time, ago, synced int, latency string) string {
	return fmt.Sprintf(`INSERT INTO contactsync.cycles (destination, instance, slot, started_at, finished_at, claimed, synced, created,
		retried, failed, released, recovered, requests, throttled_ms, latency)
		SELECT 'hubspot', 'one', 0, at - interval '2 s', at, %d, %d, 1, 2, 3, 0, 0, 1, 10, %s
		  FROM (VALUES (timestamptz '%s' - interval '%d s')) x (at)`, synced+5, synced, latency, before.Format(time.RFC3339), ago)
}

func TestSeries(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.New(t)
	latency := func(bucket, n int) string {
		return fmt.Sprintf("array_fill(0, ARRAY[%d]) || ARRAY[%d] || array_fill(0, ARRAY[%d])", bucket, n, len(contact.LatencyBounds())-bucket)
	}
	minute := pgtest.Value[time.Time](t, url, `SELECT date_bin('1 min', now(), 'epoch')`)
	pgtest.Exec(t, url,
		cycle(minute, 119, 10, latency(0, 10)), // in the minute before the last one
		cycle(minute, 110, 30, latency(2, 30)),
		cycle(minute, 61, 5, "NULL"), // an older version's
		cycle(minute, 7200, 99, latency(0, 99)))
	d := store(t, url)
	points, err := d.Series(t.Context(), 20*time.Minute, time.Minute) // longer than the slowest machine takes
	if err != nil {
		t.Fatal(err)
	}
	if len(points) != 21 {
		t.Fatalf("%d points, want 21", len(points))
	}
	at := slices.IndexFunc(points, func(p ops.Point) bool { return p.At.Equal(minute.Add(-2 * time.Minute)) })
	if at < 1 {
		t.Fatalf("no point at %v in %+v", minute.Add(-2*time.Minute), points)
	}
	p := points[at]
	if p.Cycles != 3 || p.Synced != 45 || p.Created != 3 || p.Retried != 6 || p.Failed != 9 || p.Requests != 3 || p.ThrottledMS != 30 || p.CycleSeconds != 2 {
		t.Errorf("point is %+v", p)
	}
	if empty := points[at-1]; empty.Cycles != 0 || empty.Quantile(0.5) != nil || !empty.At.Equal(p.At.Add(-time.Minute)) {
		t.Errorf("a step without cycles is %+v", empty)
	}
	// 10 of 40 in 0-5 ms, 30 in 10-25 ms: the 20th is a third into the latter.
	if median := p.Quantile(0.5); median == nil || math.Abs(*median-0.015) > 1e-9 {
		t.Errorf("median %v, want 0.015", median)
	}
	if sum := ops.Sum(points); sum.Synced != 45 || sum.CycleSeconds != 2 || *sum.Quantile(1) != 0.025 {
		t.Errorf("sum is %+v", sum)
	}
	if _, err := d.Series(t.Context(), time.Hour, 0); err == nil {
		t.Error("a step of no length is taken")
	}
	cycles, err := d.LastCycles(t.Context(), 2)
	if err != nil || len(cycles) != 2 || cycles[0].Synced != 5 || cycles[1].Synced != 30 || cycles[0].Seconds != 2 {
		t.Errorf("last cycles are %+v, %v", cycles, err)
	}
}

// Time in which two cycles were under way counts once.
func TestOverlappingCycles(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t)
	now := pgtest.Value[time.Time](t, url, `SELECT now()`)
	pgtest.Exec(t, url,
		cycle(now, 60, 5, "NULL"), // 2 s each, with 10 contacts
		cycle(now, 61, 5, "NULL"),
		cycle(now, 120, 5, "NULL"))
	m, err := store(t, url).Measures(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if m.SecondsPerContact != 5.0/30 || m.CycleSeconds != 2 {
		t.Errorf("%v s a contact and %v s a cycle, want 5/30 and 2", m.SecondsPerContact, m.CycleSeconds)
	}
}

func TestQuantileOfTheLongest(t *testing.T) {
	t.Parallel()
	bounds := contact.LatencyBounds()
	counts := make([]int64, len(bounds)+1)
	counts[len(bounds)] = 3
	if q := (ops.Point{Latency: counts}).Quantile(0.5); q == nil || *q != bounds[len(bounds)-1] {
		t.Errorf("beyond the last bound: %v, want that bound", q)
	}
}
