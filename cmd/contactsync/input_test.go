package main

import (
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// Whatever an app writes into a row ends as it should, and costs no other row
// anything.
func TestForeignTexts(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	type row struct{ id, email, name, want string }
	const complete = "Complete -"
	long := strings.Repeat("x", 10_000)
	rows := []row{
		{"01", "plain@example.org", "Plain Name", complete},
		{"02", "", "Blank Email", "Error NO_EMAIL"},
		{"03", "NULL", "No Email", "Error NO_EMAIL"},
		{"04", " \t ", "Email Of Blanks", "Error NO_EMAIL"},
		{"05", "not-an-email", "No At", "Error INVALID_EMAIL"},
		{"06", "two words@example.org", "Blank Inside", "Error INVALID_EMAIL"},
		{"07", "bell\x07@example.org", "Control Character", "Error INVALID_EMAIL"},
		{"08", "nul-like\\x00\\0@example.org", "Backslashes \\x00 \\u0000 %00", "Error INVALID_EMAIL"},
		{"09", "emoji@example.org", "Zoë 👩‍🚀 Example", complete},
		{"10", "rtl@example.org", "שלום עולם \u202Eevil", complete},
		{"11", "sql@example.org", `Robert'); DROP TABLE contacts;-- "Tables" \`, complete},
		{"12", "json@example.org", `{"error":"PROPERTY_DOESNT_EXIST"} [{"error":"CONFLICT"}]`, complete},
		{"13", "long@example.org", long, complete},
		{"14", "Same.Person@Example.org ", "First Writing", complete},
		{"15", "same.person@example.org", "Second Writing", complete},
		{"16", "SAME.PERSON@EXAMPLE.ORG", "", complete},
		{"17", "last@example.org", "Last Name", complete},
	}
	for i, r := range rows {
		email := any(r.email)
		if r.email == "NULL" {
			email = nil
		}
		in.Exec(`INSERT INTO contacts (id, email, name, phone_number, updated_at)
			VALUES (('00000000-0000-0000-0000-0000000000' || $1)::uuid, $2, $3, '', now() + $4::int * interval '1 second')`, r.id, email, r.name, i)
	}
	in.Exec(`UPDATE contacts SET hubspot_sync_status = 'Queued', hubspot_processing_status = 'Queued'`)
	in.Start(in.Env("HUBSPOT_SYNC_SCHEDULER_BATCH_SIZE=100"), "run")
	in.Await("0", `SELECT count(*)::text FROM contacts WHERE hubspot_processing_status IN ('Queued', 'Processing')`)
	for _, r := range rows {
		got := in.Ask(`SELECT concat_ws(' ', hubspot_processing_status, coalesce(hubspot_error_code, '-')) FROM contacts
			WHERE id = ('00000000-0000-0000-0000-0000000000' || $1)::uuid`, r.id)
		if got != r.want {
			t.Errorf("%s (%.40q): %s, want %s", r.email, r.name, got, r.want)
		}
	}
	for email, want := range map[string][2]string{
		"emoji@example.org":       {"Zoë", "👩‍🚀 Example"},
		"sql@example.org":         {`Robert');`, `DROP TABLE contacts;-- "Tables" \`},
		"long@example.org":        {long, ""},
		"same.person@example.org": {"Second", "Writing"}, // the newest row has no name: the next newest fills it
	} {
		c, ok := in.Sim.Contact(email)
		if !ok || c.Properties["firstname"] != want[0] || c.Properties["lastname"] != want[1] {
			t.Errorf("%s is %.60q %.60q in HubSpot, want %.60q %.60q", email, c.Properties["firstname"], c.Properties["lastname"], want[0], want[1])
		}
	}
	if n := in.Ask(`SELECT count(DISTINCT hubspot_contact_id)::text FROM contacts WHERE lower(btrim(email)) = 'same.person@example.org'`); n != "1" {
		t.Errorf("the three rows of one person have %s HubSpot ids", n)
	}
}

// Two rows of one person in different batches: both are synced, to one contact,
// and the newer one is the last to be written.
func TestOnePersonInTwoBatches(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	in.Exec(`INSERT INTO contacts (email, name, hubspot_processing_status, hubspot_queued_at) VALUES
		('PERSON@example.org', 'Newer Row', 'Queued', now()), ('person@example.org', 'Older Row', 'Queued', now() - interval '1 second')`)
	in.Start(in.Env("HUBSPOT_SYNC_SCHEDULER_BATCH_SIZE=1"), "run")
	in.Await("2", `SELECT count(*)::text FROM contacts WHERE hubspot_processing_status = 'Complete'`)
	if c, _ := in.Sim.Contact("person@example.org"); c.Properties["firstname"] != "Newer" {
		t.Errorf("HubSpot has %q, want the newer row", c.Properties["firstname"])
	}
}

func TestBadSettings(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	_, errs, code := in.Command(in.Env(
		"DATABASE_URL=postgres://user:s3cr3t-word@[bad", "HUBSPOT_SYNC_SCHEDULER_BATCH_SIZE=0", "HUBSPOT_TIMEOUT=soon",
		"HUBSPOT_API_BASE_URL=http://api.example.org", "LOG_FORMAT=xml", "SHUTDOWN_TIMEOUT=1s"), "run")
	if code != 2 {
		t.Errorf("exit code %d, want 2", code)
	}
	for _, name := range []string{
		"DATABASE_URL", "HUBSPOT_SYNC_SCHEDULER_BATCH_SIZE", "HUBSPOT_TIMEOUT", "HUBSPOT_API_BASE_URL", "LOG_FORMAT", "SHUTDOWN_TIMEOUT",
	} {
		if !strings.Contains(errs, name) {
			t.Errorf("%s is not named in:\n%s", name, errs)
		}
	}
	if strings.Contains(errs, "s3cr3t") || strings.Contains(errs, progtest.GoodKey) {
		t.Errorf("a secret is in:\n%s", errs)
	}
}

func TestNotMigrated(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	in.AsOwner().Must("migrate", "down", "--all")
	_, errs, code := in.Command(in.Env(), "run")
	if code != 1 || !strings.Contains(errs, "contactsync migrate up") {
		t.Errorf("exit code %d, want 1 and the remedy:\n%s", code, errs)
	}
}

// An id that is named twice is one contact, and nothing is left of it.
func TestAnIDThatIsNamedTwice(t *testing.T) {
	t.Parallel()
	const id = "6f1d2c3b-0000-4000-8000-000000000001"
	wanted := parseNames([]string{id, id}, "uuid")
	ids, missing, err := wanted.find(t.Context(), nil) // without an email nothing is asked
	if err != nil {
		t.Fatal(err)
	}
	if left := wanted.left(wanted.ids, ids, missing); len(ids) != 1 || len(left) != 0 {
		t.Errorf("found %q, left %q, want one and none", ids, left)
	}
}
