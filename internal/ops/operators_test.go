package ops_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/ops"
)

// Who leads and who is gone is what the locks and the clock say, whatever was
// written down.
func TestReplicas(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.New(t)
	pgtest.Exec(t, url,
		`INSERT INTO contactsync.slots (destination, slot, instance) VALUES ('hubspot', 0, 'dead'), ('hubspot', 1, 'lead')`,
		`INSERT INTO contactsync.replicas (destination, instance, version, role, slot, started_at, seen_at, listener, rate_left) VALUES
			('hubspot', 'dead', 'v1', 'leader', 0, now(), now(), true, NULL),
			('hubspot', 'lead', 'v2', 'leader', 1, now(), now(), false, 0),
			('acme', 'lead', 'v2', 'follower', NULL, now(), now(), NULL, NULL), -- the same process, for another
			('hubspot', 'next', 'v2', 'follower', NULL, now(), now(), NULL, NULL),
			('hubspot', 'silent', 'v2', 'follower', NULL, now(), now() - interval '46 s', NULL, NULL)`)
	leader := pgtest.Connect(t, url)
	for _, lock := range []string{"101", "1"} {
		if _, err := leader.Exec(t.Context(), "SELECT pg_advisory_lock(1668507251, "+lock+")"); err != nil {
			t.Fatal(err)
		}
	}
	snap, err := store(t, url).Snapshot(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range snap.Replicas {
		line := fmt.Sprintf("%s %s %s %v", r.Instance, r.Version, r.Role, r.Armed)
		if r.Slot != nil {
			line += fmt.Sprintf(" slot %d listener %v left %d", *r.Slot, *r.Listener, *r.RateLeft)
		}
		got = append(got, line)
	}
	want := []string{"lead v2 leader true slot 1 listener false left 0", "dead v1 gone false", "next v2 follower false", "silent v2 gone false"}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestActions(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	d := store(t, pgtest.New(t)).Via(ops.Dashboard)
	const id = "11111111-1111-1111-1111-111111111111"
	for _, a := range []ops.Action{
		{Who: "ada", Action: ops.DidRetry, Detail: "TIMEOUT", Rows: 3},
		{Who: "bob", Action: ops.DidSkip, ContactID: id, Rows: 1},
	} {
		if err := d.Record(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	all, err := d.Actions(t.Context(), "", 10)
	if err != nil || len(all) != 2 || all[1].Detail != "TIMEOUT" || all[1].Rows != 3 || all[0].Via != ops.Dashboard || all[0].At.IsZero() {
		t.Errorf("actions are %+v, %v", all, err)
	}
	if one, err := d.Actions(t.Context(), id, 10); err != nil || len(one) != 1 || one[0].Who != "bob" || one[0].ContactID != id {
		t.Errorf("the contact's actions are %+v, %v", one, err)
	}
}

func TestSkip(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t)
	pgtest.Exec(t, url, `INSERT INTO contacts (email, hubspot_sync_status, hubspot_processing_status, hubspot_error_code, next_retry_at) VALUES
		('queued', 'Queued', 'Queued', 'TIMEOUT', now()), ('flying', 'Processing', 'Processing', NULL, NULL),
		('failed', 'Error', 'Error', 'NO_EMAIL', NULL), ('done', 'Complete', 'Complete', NULL, NULL)`)
	ids := pgtest.Value[[]string](t, url, "SELECT array_agg(id::text) FROM contacts")
	skipped, err := store(t, url).Skip(t.Context(), ids)
	if err != nil || len(skipped) != 3 {
		t.Errorf("skipped %v, %v", skipped, err)
	}
	got := pgtest.Value[string](t, url, `SELECT string_agg(concat_ws(' ', email, hubspot_sync_status, hubspot_processing_status, hubspot_error_code, next_retry_at), ', ' ORDER BY email) FROM contacts`)
	if want := "done Complete Complete, failed Skipped, flying Skipped, queued Skipped"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Where the app's column takes no NULL, what is skipped has a word of its own there; and
// where it takes none either, the error names the remedy.
func TestSkipWithoutNULL(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t)
	pgtest.Exec(t, url, `INSERT INTO contacts (email, hubspot_processing_status) VALUES ('a@example.org', 'Queued'), ('b@example.org', 'New')`,
		`ALTER TABLE contacts ALTER COLUMN hubspot_processing_status SET NOT NULL`)
	ids := pgtest.Value[[]string](t, url, "SELECT array_agg(id::text) FROM contacts WHERE email LIKE 'a%'")
	s := store(t, url)
	if skipped, err := s.Skip(t.Context(), ids); err != nil || len(skipped) != 1 {
		t.Errorf("skipped %v, %v", skipped, err)
	}
	if got := pgtest.Value[string](t, url, `SELECT concat_ws(' ', hubspot_sync_status, hubspot_processing_status) FROM contacts WHERE email LIKE 'a%'`); got != "Skipped Skipped" {
		t.Errorf("the row is %s", got)
	}
	pgtest.Exec(t, url, `UPDATE contacts SET hubspot_processing_status = 'Queued'`,
		`ALTER TABLE contacts ADD CONSTRAINT words CHECK (hubspot_processing_status IN ('New', 'Queued', 'Processing', 'Complete', 'Error'))`)
	if _, err := s.Skip(t.Context(), ids); err == nil || !strings.Contains(err.Error(), "ALTER COLUMN hubspot_processing_status DROP NOT NULL") {
		t.Errorf("skip: %v, want the remedy", err)
	}
}

// People find contacts by a part of a name also where the app's columns have a collation
// in which texts have no parts.
func TestSearchInANondeterministicCollation(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t)
	pgtest.Exec(t, url, `CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`,
		`ALTER TABLE contacts ALTER COLUMN name TYPE text COLLATE nocase, ALTER COLUMN email TYPE text COLLATE nocase`,
		`INSERT INTO contacts (email, name) VALUES ('ada@example.org', 'Ada Lovelace')`)
	for _, text := range []string{"lovel", "ADA@", "ada@example.org"} {
		if list, err := store(t, url).List(t.Context(), ops.Filter{Text: text}, ops.Cursor{}); err != nil || len(list.Rows) != 1 {
			t.Errorf("%s: found %v, %v", text, list, err)
		}
	}
}
