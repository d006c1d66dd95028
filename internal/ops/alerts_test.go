package ops_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/ops"
)

// Each change is one process's to tell, however many look; what was told is not
// told again, and what nobody told in time is somebody else's to tell.
func TestAlertsAreTakenOnce(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.New(t)
	d := store(t, url)
	limits := ops.AlertLimits{BacklogAge: time.Minute, FailuresPerHour: 10}
	take := func(mine time.Duration) (taken []ops.Alert) {
		t.Helper()
		var mu sync.Mutex
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				got, err := d.TakeAlerts(t.Context(), limits, mine)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				taken = append(taken, got...)
			})
		}
		all.Wait()
		return taken
	}
	want := func(taken []ops.Alert, raised bool, kinds ...ops.AlertKind) {
		t.Helper()
		var got []ops.AlertKind
		for _, a := range taken {
			got = append(got, a.Kind)
			if a.Raised != raised {
				t.Errorf("%s raised: %v, want %v", a.Kind, a.Raised, raised)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, kinds) {
			t.Errorf("taken %v, want %v", got, kinds)
		}
	}
	tell := func(taken []ops.Alert) {
		t.Helper()
		for _, a := range taken {
			if err := d.AlertTold(t.Context(), a); err != nil {
				t.Error(err)
			}
		}
	}
	later := `UPDATE contactsync.alerts SET told_at = told_at - interval '1 minute', next_try_at = next_try_at - interval '1 hour'`

	want(take(time.Minute), true)
	pgtest.Exec(t, url,
		`INSERT INTO contacts (email, hubspot_processing_status, hubspot_queued_at) VALUES ('old@example.org', 'Queued', now() - interval '2 minutes')`,
		`INSERT INTO contactsync.cycles (destination, finished_at, synced, failed) VALUES ('hubspot', now(), 0, 11)`)
	want(take(time.Minute), true, ops.AlertBacklog, ops.AlertFailures)
	want(take(time.Minute), true) // another's to tell
	pgtest.Exec(t, url, later)    // who did not
	taken := take(time.Minute)
	want(taken, true, ops.AlertBacklog, ops.AlertFailures)
	tell(taken)
	pgtest.Exec(t, url, later)
	want(take(time.Minute), true)

	pgtest.Exec(t, url, `UPDATE contacts SET hubspot_processing_status = NULL`, `UPDATE contactsync.cycles SET failed = 8`)
	taken = take(time.Minute)
	want(taken, false, ops.AlertBacklog) // eight failures are no longer too many, and still not few
	tell(taken)
	pgtest.Exec(t, url, `UPDATE contactsync.cycles SET failed = 5`, later)
	taken = take(time.Minute)
	want(taken, false, ops.AlertFailures)
	tell(taken)
	pgtest.Exec(t, url, later)
	want(take(time.Minute), false)
}

// taken are the alerts that are to be told, with limits that only a pause passes.
func taken(t *testing.T, d *ops.Store) []ops.Alert {
	t.Helper()
	got, err := d.TakeAlerts(t.Context(), ops.AlertLimits{BacklogAge: time.Hour}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// A pause that ends only to be tried again, or because another leads now, is not
// over before an answer was usable.
func TestAPauseIsOverWhenAnAnswerWasUsable(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t)
	d := store(t, url)
	take := func() []ops.Alert {
		t.Helper()
		got := taken(t, d)
		for _, a := range got {
			if err := d.AlertTold(t.Context(), a); err != nil {
				t.Fatal(err)
			}
		}
		pgtest.Exec(t, url, `UPDATE contactsync.alerts SET told_at = told_at - interval '1 minute'`)
		return got
	}
	leader := pgtest.Connect(t, url)
	if _, err := leader.Exec(t.Context(), `SELECT pg_advisory_lock(1668507251, 100)`); err != nil {
		t.Fatal(err)
	}
	pause := `INSERT INTO contactsync.slots (destination, slot, instance, since, pause_code, pause_reason, pause_since)
		VALUES ('hubspot', 0, 'x', now(), 'TIMEOUT', 'slow', now()) ON CONFLICT (destination, slot) DO UPDATE SET pause_code = 'TIMEOUT'`
	pgtest.Exec(t, url, pause)
	if got := take(); len(got) != 1 || got[0].Kind != ops.AlertPaused || got[0].Detail != "TIMEOUT: slow" {
		t.Fatalf("taken %+v, want the pause", got)
	}
	pgtest.Exec(t, url, `UPDATE contactsync.slots SET pause_code = NULL`) // a try
	if got := take(); len(got) != 0 {
		t.Errorf("taken %+v while it is only tried", got)
	}
	pgtest.Exec(t, url, pause)
	if got := take(); len(got) != 0 {
		t.Errorf("taken %+v when the try failed", got)
	}
	pgtest.Exec(t, url, `UPDATE contactsync.slots SET pause_code = NULL`, // and what was under way before it is answered
		`INSERT INTO contactsync.cycles (destination, started_at, finished_at, synced, failed)
		 VALUES ('hubspot', clock_timestamp() - interval '1 minute', clock_timestamp(), 1, 0)`)
	if got := take(); len(got) != 0 {
		t.Errorf("taken %+v for a batch from before the pause", got)
	}
	pgtest.Exec(t, url,
		`INSERT INTO contactsync.cycles (destination, started_at, finished_at, synced, failed) VALUES ('hubspot', clock_timestamp(), clock_timestamp(), 1, 0)`)
	if got := take(); len(got) != 1 || got[0].Raised {
		t.Errorf("taken %+v, want the end", got)
	}
}

// How long a trouble lasted does not grow while its end has not been told.
func TestATroubleLastedUntilItEnded(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t)
	d := store(t, url)
	pgtest.Exec(t, url, `INSERT INTO contactsync.holds (destination, who) VALUES ('hubspot', 'ada')`)
	for _, a := range taken(t, d) {
		if err := d.AlertTold(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	pgtest.Exec(t, url, `DELETE FROM contactsync.holds`)
	if got := taken(t, d); len(got) != 0 {
		t.Fatalf("taken %+v so soon", got)
	}
	pgtest.Exec(t, url, `UPDATE contactsync.alerts SET began = began - interval '70 s', since = since - interval '60 s', told_at = told_at - interval '70 s'`)
	if got := taken(t, d); len(got) != 1 || got[0].Raised || got[0].Seconds < 10 || got[0].Seconds > 40 {
		t.Errorf("taken %+v, want the end of 10 s", got)
	}
}
