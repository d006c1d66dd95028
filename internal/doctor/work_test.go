package doctor

import (
	"log/slog"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/schema"
)

// partitioned makes a database whose contacts is partitioned.
func partitioned(t *testing.T) string {
	t.Helper()
	url := pgtest.Empty(t)
	pgtest.Exec(t, url, `CREATE TABLE contacts (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text) PARTITION BY HASH (id)`,
		`CREATE TABLE contacts_rest PARTITION OF contacts FOR VALUES WITH (MODULUS 1, REMAINDER 0)`)
	if _, err := schema.Up(t.Context(), url, pgtest.Options(), slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	return url
}

// lead holds slot 0 as a leader does, and does nothing else.
func lead(t *testing.T, url string) {
	t.Helper()
	conn := pgtest.Connect(t, url+"&application_name=contactsync/one-1")
	if _, err := conn.Exec(t.Context(), "SELECT pg_advisory_lock($1, $2)", destination.LockClass, hubspot.Info.SlotLock(0)); err != nil {
		t.Fatal(err)
	}
}

func TestReplicas(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.New(t)
	lead(t, url)
	expect(t, examine(t, url, url, nil)["replicas"], OK, "one-1 leads slot 0; 0 other processes are connected", "")
	pgtest.Connect(t, url+"&application_name=contactsync/two-2")
	expect(t, examine(t, url, url, nil)["replicas"], OK, "one-1 leads slot 0; 1 other process is connected", "")
	pause := `INSERT INTO contactsync.slots (destination, slot, instance, pause_code, pause_reason) VALUES ('hubspot', 0, 'one-1', 'UNAUTHORIZED', 'a wrong key')`
	pgtest.Exec(t, url, pause)
	expect(t, examine(t, url, url, nil)["replicas"], Failed, "paused (UNAUTHORIZED): a wrong key", "do what the reason says")
	pgtest.Exec(t, url, "UPDATE contactsync.slots SET pause_code = 'DAILY_LIMIT', pause_reason = 'used up'")
	expect(t, examine(t, url, url, nil)["replicas"], Warning, "used up", "by itself")
}

// A contact whose time never comes is as well as any that waits.
func TestNeverIsNoTrouble(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.New(t)
	lead(t, url)
	pgtest.Exec(t, url, `INSERT INTO contacts (email, hubspot_processing_status, next_retry_at) VALUES ('a@example.org', 'Queued', 'infinity')`)
	found := examine(t, url, url, nil)
	expect(t, found["replicas"], OK, "one-1 leads slot 0", "")
	expect(t, found["queue"], OK, "0 due, 1 waiting for their time", "")
	expect(t, found["bloat"], OK, "for all indexes of the queue", "")
}

// A leader that does nothing is found out; one that works, or is paused, is not
// blamed, and a row that it takes a moment later is no trouble.
func TestStandstill(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.New(t)
	lead(t, url)
	pgtest.Exec(t, url, `INSERT INTO contacts (email, hubspot_processing_status, hubspot_queued_at) VALUES ('a@example.org', 'Queued', now() - interval '1 day')`)
	expect(t, examine(t, url, url, nil)["queue"], Failed, "1 contact is due for over 1m0s, and nobody works although one-1 leads", "restart the leader")

	pgtest.Exec(t, url, `INSERT INTO contactsync.slots (destination, slot, instance, pause_code, pause_reason) VALUES ('hubspot', 0, 'one-1', 'UNAUTHORIZED', 'a wrong key')`)
	expect(t, examine(t, url, url, nil)["queue"], Warning, "waits for the end of the pause", "replicas")
	pgtest.Exec(t, url, `DELETE FROM contactsync.slots`, `INSERT INTO contactsync.cycles (destination, finished_at) VALUES ('hubspot', now())`)
	expect(t, examine(t, url, url, nil)["queue"], OK, "1 due", "")

	pgtest.Exec(t, url, `DELETE FROM contactsync.cycles`)
	claimed := make(chan error)
	go func() {
		conn, err := pgx.Connect(t.Context(), url)
		if err == nil {
			// When the check has looked for the first time, a moment passes before the second.
			_, err = conn.Exec(t.Context(), `INSERT INTO contactsync.claims (contact_id, destination, slot, cycle) SELECT id, 'hubspot', 0, 1 FROM contacts`)
			_ = conn.Close(t.Context())
		}
		claimed <- err
	}()
	result := examine(t, url, url, nil)["queue"]
	if err := <-claimed; err != nil {
		t.Fatal(err)
	}
	expect(t, result, OK, "1 in flight", "")

	pgtest.Exec(t, url, `DELETE FROM contactsync.claims`, `UPDATE contacts SET hubspot_processing_status = 'Processing', updated_at = now() - interval '1 day'`)
	expect(t, examine(t, url, url, nil)["queue"], Failed, "Processing for over 15m0s", "contactsync queue --status Processing")
}
