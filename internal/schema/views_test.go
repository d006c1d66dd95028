package schema_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
)

// Both kinds of clock columns, and a reader whose session is not in UTC.
func TestViews(t *testing.T) {
	t.Parallel()
	tables := map[string][]string{
		"our own": nil,
		"naive timestamps": {`CREATE TABLE contacts (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email varchar(100),
			updated_at timestamp, next_retry_at timestamp, last_retry_at timestamp)`},
	}
	for name, table := range tables {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := pgtest.Empty(t)
			pgtest.Exec(t, url, table...)
			up(t, url)
			pgtest.Exec(t, url, `SET timezone = 'UTC'; INSERT INTO contacts (email, hubspot_processing_status, hubspot_queued_at, next_retry_at, hubspot_error_code, hubspot_processing_error, retry_count) VALUES
					('fresh', 'Queued', now() - interval '120 s', NULL, NULL, NULL, 0),
					('ready', 'Queued', now(), now() - interval '90 s', 'TIMEOUT', 'slow', 1),
					('later', 'Queued', now(), now() + interval '60 s', 'SERVER_ERROR', '503', 2),
					('scheduled', 'Queued', now(), now() + interval '1 day', NULL, NULL, 0),
					('released', 'Queued', now(), NULL, 'DAILY_LIMIT', 'tomorrow', 0),
					('working', 'Processing', now(), NULL, NULL, NULL, 0),
					('broken', 'Error', now(), NULL, 'NO_EMAIL', 'no email', 0),
					('done', 'Complete', now(), NULL, NULL, NULL, 1),
					('new', NULL, now(), NULL, NULL, NULL, 0)`,
				"INSERT INTO contactsync.claims (contact_id, destination, slot, cycle, until) VALUES (gen_random_uuid(), 'hubspot', 0, 1, NULL), (gen_random_uuid(), 'hubspot', 0, 1, now())",
				`INSERT INTO contactsync.slots (destination, slot, instance, pause_code, pause_reason) VALUES
					('hubspot', 0, 'dead-1', NULL, NULL), ('hubspot', 1, 'live-2', 'UNAUTHORIZED', '401')`,
				"INSERT INTO contactsync.holds (destination, since, who, reason) VALUES ('hubspot', '2030-01-01 10:03:00.7Z', 'ada', 'clean-up')",
				`INSERT INTO contactsync.replicas (destination, instance, version, role, started_at, seen_at) VALUES
					('hubspot', 'live-2', 'v1', 'leader', now(), now()), ('hubspot', 'next-3', 'v1', 'follower', now(), now()), ('hubspot', 'dead-1', 'v1', 'leader', now(), now() - interval '1 min')`)
			leader := pgtest.Connect(t, url)
			if _, err := leader.Exec(t.Context(), "SELECT pg_advisory_lock(1668507251, 101)"); err != nil {
				t.Fatal(err)
			}

			reader := url + "&timezone=Asia/Kathmandu"
			got := pgtest.Value[string](t, reader, `SELECT format('%s queued, %s due, %s waiting, %s processing, %s in flight, %s quarantined, %s failed, oldest %s, next in %s, leaders %s, paused %s, held by %s, replicas %s',
				queued, due, waiting, processing, in_flight, quarantined, failed, round(oldest_due_seconds::numeric, -1), round(extract(epoch FROM next_retry_at - now())::numeric, -1), leaders, paused, held, replicas)
				FROM contactsync.status`)
			want := "5 queued, 3 due, 2 waiting, 1 processing, 1 in flight, 1 quarantined, 1 failed, oldest 120, next in 60, leaders live-2, paused UNAUTHORIZED: 401, held by ada since 2030-01-01 15:48:00+05:45: clean-up, replicas live-2 leader v1, next-3 follower v1"
			if got != want {
				t.Errorf("status:\n got %s\nwant %s", got, want)
			}
			problems := pgtest.Value[[]string](t, reader, `SELECT array_agg(format('%s %s %s %s %s %s', email, status, code, error, retry_count, round(extract(epoch FROM next_retry_at - now())::numeric, -1)) ORDER BY email) FROM contactsync.problems`)
			wantProblems := []string{
				"broken Error NO_EMAIL no email 0 ", "later Queued SERVER_ERROR 503 2 60",
				"ready Queued TIMEOUT slow 1 -90", "released Queued DAILY_LIMIT tomorrow 0 ",
			}
			if !slices.Equal(problems, wantProblems) {
				t.Errorf("problems:\n got %q\nwant %q", problems, wantProblems)
			}

			// The app's own migrations go on.
			pgtest.Exec(t, url, "ALTER TABLE contacts ALTER email TYPE varchar(200), ALTER retry_count TYPE bigint")
			if n := pgtest.Value[int](t, reader, "SELECT count(*)::int FROM contactsync.problems"); n != 4 {
				t.Errorf("%d problems after the app changed its columns", n)
			}
		})
	}
}

// The views read the small partial indexes, however large the table is.
func TestViewsUseTheIndexes(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.New(t)
	pgtest.Exec(t, url,
		"INSERT INTO contacts (email) SELECT n || '@example.org' FROM generate_series(1, 20000) n",
		`INSERT INTO contacts (email, hubspot_processing_status, hubspot_error_code, next_retry_at)
			SELECT n || '@example.com', CASE n % 2 WHEN 0 THEN 'Queued' ELSE 'Error' END, 'TIMEOUT', now() FROM generate_series(1, 100) n`,
		"VACUUM ANALYZE contacts")
	for view, query := range map[string]string{
		"problems": "EXPLAIN SELECT * FROM contactsync.problems",
		// EXPLAIN does not look into a function that has settings of its own.
		"status": "EXPLAIN " + strings.ReplaceAll(pgtest.Value[string](t, url,
			"SELECT prosrc FROM pg_proc WHERE oid = 'contactsync.hubspot_queue_state(bigint)'::regprocedure"), "LIMIT bound", "LIMIT NULL"),
	} {
		plan, err := rows(t.Context(), pgtest.Connect(t, url), query)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(plan, "\n")
		if strings.Contains(text, "Seq Scan on contacts") || strings.Contains(text, "Function Scan on hubspot") || !strings.Contains(text, "contacts_contactsync_") {
			t.Errorf("%s is not read by the partial indexes:\n%s", view, text)
		}
	}
}
