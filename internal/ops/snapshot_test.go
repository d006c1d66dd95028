package ops_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/ops"
)

// Times that are no times, which an app may set, mean never, and break nothing.
func TestInfinity(t *testing.T) {
	t.Parallel()
	for name, column := range map[string]string{"with a time zone": "timestamptz", "without one": "timestamp"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := pgtest.Empty(t)
			pgtest.Exec(t, url, "CREATE TABLE contacts (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text, next_retry_at "+column+", last_retry_at "+column+", updated_at "+column+")")
			pgtest.Migrate(t, url)
			pgtest.Exec(t, url, `INSERT INTO contacts (email, hubspot_processing_status, hubspot_error_code, next_retry_at, last_retry_at, updated_at) VALUES
				('never@example.org', 'Queued', 'TIMEOUT', 'infinity', 'infinity', 'infinity'),
				('always@example.org', 'Queued', 'TIMEOUT', '-infinity', '-infinity', '-infinity')`,
				`INSERT INTO contacts (email, hubspot_processing_status, hubspot_queued_at) VALUES
				('a@example.org', 'Queued', 'infinity'), ('b@example.org', 'Queued', '-infinity')`)
			s := ops.New(storePool(t, url), onContacts)
			for _, bound := range []int64{0, ops.MostShown} {
				snap, err := s.Snapshot(t.Context(), bound)
				if err != nil {
					t.Fatal(err)
				}
				if q := snap.Queue; q.Due != 3 || q.Waiting != 1 || q.Fresh != 2 || q.NextRetryAt != nil || q.OldestDueSeconds != nil {
					t.Errorf("the queue is %+v", q)
				}
				if _, err := json.Marshal(snap); err != nil {
					t.Error(err)
				}
			}
			if stuck, err := s.Stuck(t.Context(), time.Minute, time.Minute); err != nil || stuck.Overdue != 2 {
				t.Errorf("stuck: %+v, %v", stuck, err)
			}
			if page, err := s.List(t.Context(), ops.Filter{}, ops.Cursor{}); err != nil || len(page.Rows) != 4 {
				t.Errorf("listed: %+v, %v", page, err)
			}
			if counts, err := s.FailuresByCode(t.Context(), 0); err != nil || len(counts) != 1 || counts[0].Waiting != 2 {
				t.Errorf("failures: %+v, %v", counts, err)
			}
			if _, err := s.TakeAlerts(t.Context(), ops.AlertLimits{BacklogAge: time.Hour}, time.Minute); err != nil {
				t.Error(err)
			}
			got := pgtest.Value[string](t, url, `SELECT concat_ws(' ', due, waiting, oldest_due_seconds, next_retry_at, (SELECT string_agg(next_retry_at::text, ' ' ORDER BY 1) FROM contactsync.problems)) FROM contactsync.status`)
			if want := "3 1 -infinity infinity"; got != want {
				t.Errorf("the views say %q, want %q", got, want)
			}
		})
	}
}

// A column without a time zone holds UTC, whatever the session believes.
func TestTimesWithoutAZone(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	pgtest.Exec(t, url, "CREATE TABLE contacts (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), next_retry_at timestamp)")
	pgtest.Migrate(t, url)
	pgtest.Exec(t, url, `INSERT INTO contacts (hubspot_processing_status, next_retry_at) VALUES
		('Queued', now() AT TIME ZONE 'UTC' - interval '1 hour'), ('Queued', now() AT TIME ZONE 'UTC' + interval '1 hour')`)
	got := pgtest.Value[string](t, url+"&timezone=Asia/Kathmandu", `SELECT concat_ws(' ', due, waiting, round(oldest_due_seconds / 60), round(extract(epoch FROM next_retry_at - now()) / 60)) FROM contactsync.status`)
	if want := "1 1 60 60"; got != want {
		t.Errorf("the view says %q, want %q", got, want)
	}
}

// Counts end at the bound, and each reads an index of the queue alone.
func TestTheQueueIsCountedByIndexes(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.New(t)
	pgtest.Exec(t, url, `INSERT INTO contacts (email, hubspot_processing_status, next_retry_at)
		SELECT i || '@example.org', CASE i % 5 WHEN 0 THEN 'Queued' WHEN 1 THEN 'Queued' WHEN 2 THEN 'Queued' WHEN 3 THEN 'Processing' ELSE 'Error' END,
		       CASE i % 5 WHEN 1 THEN now() - interval '1 hour' WHEN 2 THEN now() + interval '1 hour' END FROM generate_series(1, 500) i`,
		`INSERT INTO contacts (email) SELECT i || '@example.net' FROM generate_series(1, 30000) i`, `VACUUM ANALYZE contacts`)
	s := workersStore(t, url)
	for bound, want := range map[int64]ops.Queue{0: {Due: 200, Waiting: 100, Processing: 100, Error: 100, Fresh: 100}, 7: {Due: 14, Waiting: 7, Processing: 7, Error: 7, Fresh: 7}} {
		snap, err := s.Snapshot(t.Context(), bound)
		if err != nil {
			t.Fatal(err)
		}
		got := snap.Queue
		got.OldestDueSeconds, got.NextRetryAt = nil, nil
		if got != want || snap.Queue.OldestDueSeconds == nil || snap.Queue.NextRetryAt == nil {
			t.Errorf("up to %d: %+v, want %+v", bound, snap.Queue, want)
		}
	}
	// EXPLAIN does not look into a function that has settings of its own: its text it does.
	body := pgtest.Value[string](t, url, "SELECT prosrc FROM pg_proc WHERE oid = 'contactsync.hubspot_queue_state(bigint)'::regprocedure")
	for _, bound := range []string{"NULL", "7", "1000000"} {
		rows, err := pgtest.Connect(t, url).Query(t.Context(), "EXPLAIN "+strings.ReplaceAll(body, "LIMIT bound", "LIMIT "+bound))
		if err != nil {
			t.Fatal(err)
		}
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(plan, "\n")
		if strings.Contains(text, "Seq Scan on contacts") || strings.Count(text, "Index Only Scan") < 8 {
			t.Errorf("with bound %s:\n%s", bound, text)
		}
	}
}

// Both destinations and both kinds of id do everything.
func TestAnotherDestination(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := people(t)
	pgtest.Exec(t, url, `INSERT INTO app.people (mail, "full name", acme_sync_status, acme_processing_status, acme_error_code)
		SELECT i || '@example.org', 'Name ' || i, 'Error', 'Error', 'TIMEOUT' FROM generate_series(1, 120) i`)
	s := ops.New(storePool(t, url), onPeople())
	var ids []string
	if err := s.RetryFailed(t.Context(), "TIMEOUT", func(queued []string) error { ids = append(ids, queued...); return nil }); err != nil || len(ids) != 120 {
		t.Errorf("queued %d, %v", len(ids), err)
	}
	snap, err := s.Snapshot(t.Context(), 0)
	if err != nil || snap.Queue.Due != 120 {
		t.Errorf("%+v, %v", snap, err)
	}
	if _, text := snap.Judge(time.UTC); text != "Nobody leads: 120 contacts wait, and no process syncs. Start `contactsync run` with a ACME_API_KEY." {
		t.Error(text)
	}
	for text, want := range map[string]string{"7": "7", "name 19": "19", "19@example.org": "19"} {
		page, err := s.List(t.Context(), ops.Filter{Text: text}, ops.Cursor{})
		if err != nil || len(page.Rows) == 0 || page.Rows[0].ID != want {
			t.Errorf("%q finds %+v, %v", text, page.Rows, err)
		}
	}
	if detail, _, err := s.Detail(t.Context(), "19", 1); err != nil || detail.Email != "19@example.org" || detail.Status != "Queued" {
		t.Errorf("%+v, %v", detail, err)
	}
	if skipped, err := s.Skip(t.Context(), []string{"19", "20"}); err != nil || len(skipped) != 2 {
		t.Errorf("skipped %v, %v", skipped, err)
	}
	if n, err := s.Count(t.Context(), ops.Filter{Mirror: "Skipped"}, "19"); err != nil || n != 1 {
		t.Errorf("%d are skipped after 19, %v", n, err)
	}
	if next, err := s.NextInQueue(t.Context(), 3); err != nil || len(next) != 3 {
		t.Errorf("next are %v, %v", next, err)
	}
	if err := s.Record(t.Context(), ops.Action{Who: "ada", Action: ops.DidSkip, ContactID: "19"}); err != nil {
		t.Error(err)
	}
	if got := pgtest.Value[string](t, url, "SELECT concat_ws(' ', destination, queued) FROM contactsync.status"); got != "acme 118" {
		t.Errorf("the view says %s", got)
	}
}
