package rehearsal

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// left is how the old worker's table looks on the day of the move. Each group is
// in its emails' first word; `stale` are Processing since a crash of last week, of
// which HubSpot has got the first.
const left = `
INSERT INTO contacts (email, name, phone_number, hubspot_sync_status, hubspot_processing_status, updated_at)
SELECT 'fresh' || i || '@example.org', 'Name', i::text, 'Queued', 'Queued', now() - interval '1 h' FROM generate_series(1, 40) i;
INSERT INTO contacts (email, name, phone_number, hubspot_sync_status, hubspot_processing_status, next_retry_at)
VALUES ('canary@example.org', 'Name', '1', 'Queued', 'Queued', now() + interval '1 day');
INSERT INTO contacts (email, name, phone_number, hubspot_sync_status, hubspot_processing_status, hubspot_processing_error, retry_count, next_retry_at, last_retry_at)
SELECT 'waits' || i || '@example.org', 'Name', i::text, 'Queued', 'Queued', 'HTTP 500', 2, now() + interval '1 h', now() FROM generate_series(1, 3) i;
INSERT INTO contacts (email, name, phone_number, hubspot_sync_status, hubspot_processing_status, hubspot_processing_error, retry_count, next_retry_at, last_retry_at, updated_at)
SELECT 'due' || i || '@example.org', 'Name', i::text, 'Queued', 'Queued', 'HTTP 500', 3, now() - interval '1 min', now(), now() FROM generate_series(1, 2) i;
INSERT INTO contacts (email, name, phone_number, hubspot_sync_status, hubspot_processing_status, updated_at)
SELECT 'stale' || i || '@example.org', 'Name', i::text, 'Processing', 'Processing', now() - interval '7 days' FROM generate_series(1, 4) i;
INSERT INTO contacts (email, name, hubspot_sync_status, hubspot_processing_status, hubspot_processing_error, retry_count, last_failed_crm)
SELECT 'failed' || i || '@example.org', 'Name', 'Error', 'Error', 'HTTP 400', 3, 'hubspot' FROM generate_series(1, 5) i;
INSERT INTO contacts (email, name, hubspot_sync_status, hubspot_processing_status, hubspot_contact_id, hubspot_synced_at)
SELECT 'done' || i || '@example.org', 'Name', 'Complete', 'Complete', (9000 + i)::text, now() - interval '1 day' FROM generate_series(1, 20) i;
INSERT INTO contacts (email, name, hubspot_sync_status)
SELECT 'new' || i || '@example.org', 'Name', CASE i WHEN 1 THEN 'Skipped' ELSE 'New' END::contact_crm_sync_status FROM generate_series(1, 4) i;
INSERT INTO contacts (email, name, hubspot_sync_status, hubspot_processing_status, updated_at)
VALUES ('not an email', 'Name', 'Queued', 'Queued', now() - interval '2 h');`

// wanted is how each group must be after the move: how often HubSpot got each of
// it, and what the rows say.
var wanted = []struct {
	group, rows string
	sent        int
}{
	{"fresh", "56 Complete with an id", 1},
	{"canary", "5 Complete with an id", 1},
	{"waits", "3 Complete with an id", 1},
	{"due", "2 Complete with an id", 1},
	{"stale", "4 Complete with an id", 1},
	{"failed", "5 Error without", 0},
	{"done", "20 Complete with an id", 0},
	{"new", "4 never without", 0},
	{"later", "30 Complete with an id", 1},
	{"not an email", "1 Error without", 0},
}

// TestMoveOffTheOldWorker moves a table from one worker to the other as the
// runbook says: beside it, single rows, the old one killed in the middle of its
// batch, its rows accounted for. Nothing is synced twice and nothing lost.
func TestMoveOffTheOldWorker(t *testing.T) {
	t.Parallel()
	steps := commands(t, "move-off-the-old-worker", 4)
	s := furnish(t, pgtest.Empty(t))
	s.Exec(left)
	s.Sim.Put("stale1@example.org", map[string]string{"firstname": "Name", "phone": "1", "scrapersky_sync_date": "2026-01-02"})

	// 1. Beside it.
	old := startOldWorker(s)
	s.awaitWrites(3)
	s.sh(steps[0])
	beside := s.Start(s.Env("HUBSPOT_API_KEY="), "run")
	beside.Wait("HUBSPOT_API_KEY not configured - HubSpot sync scheduler DISABLED", 1)

	// 2. Single rows: one that the old worker does not look at yet, then some that
	// both are after.
	s.sh(steps[1])
	s.Exec(`INSERT INTO contacts (email, name, phone_number, hubspot_sync_status, hubspot_processing_status)
		SELECT CASE WHEN i > 56 THEN 'canary' ELSE 'fresh' END || i || '@example.org', 'Name', i::text, 'Queued', 'Queued' FROM generate_series(41, 60) i`)
	for i := range 4 {
		s.sh(strings.ReplaceAll(steps[1], "canary@example.org", fmt.Sprintf("canary%d@example.org", 57+i)))
	}
	taken := s.Ask(`SELECT count(*)::text FROM contactsync.cycles`)

	// 3. An app queues more, and the old one dies.
	s.Exec(`INSERT INTO contacts (email, name, phone_number, hubspot_sync_status, hubspot_processing_status)
		SELECT 'later' || i || '@example.org', 'Name', i::text, 'Queued', 'Queued' FROM generate_series(1, 30) i`)
	old.kill()
	inFlight := s.Ask(`SELECT count(*)::text FROM contacts WHERE hubspot_processing_status = 'Processing' AND email NOT LIKE 'stale%'`)
	byOld := len(s.Sim.Writes())
	t.Logf("%s of 5 single rows were taken by hand; the old worker died with %s in flight, of which HubSpot has one, and %s queued", taken, inFlight,
		s.Ask(`SELECT count(*)::text FROM contacts WHERE hubspot_processing_status = 'Queued'`))
	if inFlight == "0" {
		t.Error("nothing was in flight: this is no rehearsal")
	}

	// 4. Its rows, one by one.
	s.sh(steps[2])
	if n := s.Ask(`SELECT count(*)::text FROM contacts WHERE hubspot_processing_status = 'Processing'`); n != "0" {
		t.Errorf("%s contacts are still Processing", n)
	}
	if n := len(s.Sim.Writes()); n != byOld {
		t.Errorf("looking wrote %d contacts", n-byOld)
	}

	// 5. Two replicas go on.
	if code := beside.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	began := time.Now()
	for range 2 {
		s.Start(s.Env(), "run").Wait("HubSpot sync scheduler job registered successfully", 1)
	}
	s.Await("0", `SELECT count(*)::text FROM contacts WHERE hubspot_processing_status = 'Processing'
		OR hubspot_processing_status = 'Queued' AND (next_retry_at IS NULL OR next_retry_at <= now())`)
	t.Logf("two replicas took %v, start included, for the %d contacts that the old worker left", time.Since(began).Round(time.Millisecond), len(s.Sim.Writes())-byOld)
	if got := s.Ask(`SELECT string_agg(DISTINCT retry_count || ' ' || hubspot_processing_error, ', ') FROM contacts WHERE email LIKE 'waits%'`); got != "2 HTTP 500" {
		t.Errorf("the contacts that wait have %q, want what the old worker wrote", got)
	}
	s.Exec(`UPDATE contacts SET next_retry_at = now() WHERE hubspot_processing_status = 'Queued'`) // their time comes
	s.Await("0", `SELECT count(*)::text FROM contacts WHERE hubspot_processing_status IN ('Queued', 'Processing')`)
	s.sh(steps[3])
	account(t, s)
}

// account goes through every row of every group.
func account(t *testing.T, s *site) {
	t.Helper()
	sent, total := times(s.Sim.Writes()), 0
	for _, w := range wanted {
		got := s.Ask(`SELECT string_agg(DISTINCT n || ' ' || what, ', ') FROM (
			SELECT count(*) AS n, coalesce(hubspot_processing_status::text, 'never') || CASE WHEN hubspot_contact_id IS NULL THEN ' without' ELSE ' with an id' END AS what
			  FROM contacts WHERE email LIKE $1 || '%' GROUP BY 2) x`, w.group)
		if got != w.rows {
			t.Errorf("%s: %s, want %s", w.group, got, w.rows)
		}
		for email, n := range sent {
			if !strings.HasPrefix(email, w.group) {
				continue
			}
			total += n
			if n != w.sent {
				t.Errorf("%s was sent %d times, want %d", email, n, w.sent)
			}
		}
	}
	if sent["stale1@example.org"] != 0 {
		t.Error("stale1 was sent, although HubSpot had it")
	}
	const all = 56 + 5 + 3 + 2 + 3 + 30
	if len(sent) != all || total != all {
		t.Errorf("%d contacts were sent in %d writes, want %d, each once", len(sent), total, all)
	}
	s.Exec(`CREATE TEMP TABLE hubspot (email text, phone text, id text)`)
	for _, c := range s.Sim.Contacts() {
		s.Exec(`INSERT INTO hubspot VALUES ($1, $2, $3)`, c.Properties["email"], c.Properties["phone"], c.ID)
	}
	if got := s.Ask(`SELECT string_agg(c.email, ', ') FROM contacts c LEFT JOIN hubspot h USING (email)
		WHERE c.hubspot_processing_status = 'Complete' AND c.email NOT LIKE 'done%'
		  AND (h.phone IS DISTINCT FROM c.phone_number OR h.id IS DISTINCT FROM c.hubspot_contact_id)`); got != "NULL" {
		t.Errorf("not in HubSpot as in the rows: %s", got)
	}
	t.Logf("%d contacts of %s rows were sent, each once", len(sent), s.Ask(`SELECT count(*)::text FROM contacts`))
}

// TestCountsOfOldFailures keeps the old worker's failures within reach.
func TestCountsOfOldFailures(t *testing.T) {
	t.Parallel()
	s := furnish(t, pgtest.Empty(t))
	s.Exec(left)
	s.install()
	if out := s.Must("retry", "--all", "--dry-run"); !strings.Contains(out, "5 contacts") {
		t.Errorf("retry --all --dry-run says %q, want the old worker's 5", out)
	}
	s.Exec(`DELETE FROM contacts WHERE hubspot_processing_status IS DISTINCT FROM 'Error'`)
	s.Start(s.Env(), "run")
	s.Must("retry", "--all")
	s.Await("5 Complete/Complete", progtest.Counts)
}
