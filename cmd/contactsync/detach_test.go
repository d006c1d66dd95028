package main

import (
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// While the app alters a column, contacts wait for the tick and no longer; everybody who
// looks is told; and attach wakes the leader.
func TestDetach(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	in.Start(in.Env("HUBSPOT_SYNC_SCHEDULER_INTERVAL_MINUTES=1s"), "run")
	in.AwaitAsleep()
	owner := in.AsOwner()

	out, errs, code := in.Command(in.Env(), "migrate", "detach")
	if code != 1 || !strings.Contains(errs, "owner") {
		t.Errorf("detach as the worker: exit code %d\n%s%s", code, out, errs)
	}
	if out := owner.Must("migrate", "detach"); !strings.Contains(out, "run `contactsync migrate attach` after the app's migration") {
		t.Errorf("detach says %q", out)
	}
	if out := in.Must("status"); !strings.Contains(out, "Detached since ") || !strings.Contains(out, "`contactsync migrate attach`") {
		t.Errorf("status says\n%s", out)
	}
	if out := in.Must("doctor"); strings.Count(out, "detached since") != 2 || strings.Count(out, "→ run `contactsync migrate attach`") != 2 {
		t.Errorf("doctor says\n%s", out)
	}
	if out := owner.Must("migrate", "up"); !strings.Contains(out, "up to date") {
		t.Errorf("up put something back:\n%s", out)
	}
	in.Queue(25)
	in.Await("25", `SELECT count(*)::text FROM contacts WHERE hubspot_processing_status = 'Complete'`)
	in.Exec(`ALTER TABLE contacts ALTER COLUMN hubspot_processing_status TYPE varchar(30)`)
	in.Exec(`UPDATE contacts SET hubspot_processing_status = 'Queued', name = 'Other'`)
	in.Await("25", `SELECT count(*)::text FROM contacts WHERE hubspot_processing_status = 'Complete' AND name = 'Other'`)

	if out := owner.Must("migrate", "attach"); out != "applied triggers\napplied hubspot indexes\n" {
		t.Errorf("attach says %q", out)
	}
	if out := in.Must("status"); strings.Contains(out, "Detached") {
		t.Errorf("status says\n%s", out)
	}
	in.Must("doctor")
	in.Exec(`UPDATE contacts SET hubspot_processing_status = 'Queued', name = 'Last'`)
	in.Await("25", `SELECT count(*)::text FROM contacts WHERE hubspot_processing_status = 'Complete' AND name = 'Last'`)
}

// Rows that no trigger saw wait for the tick and no longer: those of a partition that is
// attached, and of a child.
func TestRowsThatNoTriggerSaw(t *testing.T) {
	t.Parallel()
	in := progtest.InstallOn(t, partitionedByRegion(t))
	in.Start(in.Env("HUBSPOT_SYNC_SCHEDULER_INTERVAL_MINUTES=1s"), "run")
	in.AwaitAsleep()
	in.Exec(`CREATE TABLE more (LIKE contacts INCLUDING DEFAULTS)`)
	in.Exec(`INSERT INTO more (region, email, hubspot_processing_status) SELECT 'b', 'b' || i || '@example.org', 'Queued' FROM generate_series(1, 25) i`)
	in.Exec(`ALTER TABLE contacts ATTACH PARTITION more FOR VALUES IN ('b')`)
	in.Await("25", `SELECT count(*)::text FROM contacts WHERE hubspot_processing_status = 'Complete'`)
	in.WantEachOnce(25)
	in.Await("5", `SELECT count(*)::text FROM pg_index WHERE indrelid = 'more'::regclass AND indisvalid`)
	in.Must("doctor")
}

func partitionedByRegion(t *testing.T) string {
	t.Helper()
	url := pgtest.Empty(t)
	pgtest.Exec(t, url, `CREATE TABLE contacts (id uuid NOT NULL DEFAULT gen_random_uuid(), region text NOT NULL, email text, PRIMARY KEY (id, region)) PARTITION BY LIST (region)`,
		`CREATE TABLE contacts_a PARTITION OF contacts FOR VALUES IN ('a')`)
	pgtest.Migrate(t, url)
	return url
}

// A child's rows are found, too, though doctor warns of it.
func TestChildOfContacts(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	in.Start(in.Env("HUBSPOT_SYNC_SCHEDULER_INTERVAL_MINUTES=1s"), "run")
	in.AwaitAsleep()
	in.Exec(`CREATE TABLE more () INHERITS (contacts)`)
	in.Exec(`INSERT INTO more (id, email, hubspot_processing_status) SELECT gen_random_uuid(), 'b' || i || '@example.org', 'Queued' FROM generate_series(1, 25) i`)
	in.Await("25", `SELECT count(*)::text FROM more WHERE hubspot_processing_status = 'Complete'`)
	in.WantEachOnce(25)
	if out := in.Must("doctor"); !strings.Contains(out, "more inherits neither triggers nor indexes") {
		t.Errorf("doctor says\n%s", out)
	}
}

// The app's migration drops what is ours: its own statements go through, doctor names
// what is gone, and what was queued meanwhile is sent when up has put it back.
func TestDroppedColumns(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	in.Start(in.Env("HUBSPOT_SYNC_SCHEDULER_INTERVAL_MINUTES=1s"), "run")
	in.AwaitAsleep()
	in.Queue(25)
	in.Await("25", `SELECT count(*)::text FROM contacts WHERE hubspot_processing_status = 'Complete'`)
	for _, column := range []string{"hubspot_queued_at", "updated_at", "hubspot_error_code", "next_retry_at"} {
		in.Exec(`ALTER TABLE contacts DROP COLUMN ` + column)
		in.Exec(`UPDATE contacts SET hubspot_processing_status = 'Queued', name = $1`, column)
		in.Exec(`INSERT INTO contacts (email, hubspot_processing_status, name) VALUES ($1 || '@example.org', 'Queued', $1)`, column)
		out, _, code := in.Command(in.Env(), "doctor")
		if code != 1 || !strings.Contains(out, "("+column+")") || !strings.Contains(out, "→ run `contactsync migrate up`") {
			t.Errorf("without %s doctor says\n%s", column, out)
		}
		if out := in.AsOwner().Must("migrate", "up"); !strings.Contains(out, "applied ") {
			t.Errorf("without %s up says %q", column, out)
		}
		in.Await("0", `SELECT count(*)::text FROM contacts WHERE hubspot_processing_status <> 'Complete' OR name <> '`+column+`'`)
		in.Must("doctor")
	}
}
