package faults

import (
	"fmt"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

const skipping = "HUBSPOT_SKIP_UNCHANGED=true"

// TestUnchangedContactsAreSkipped saves contacts again and again, as ORMs do: only
// what differs from what HubSpot was told last is sent.
func TestUnchangedContactsAreSkipped(t *testing.T) {
	t.Parallel()
	const n = 50
	in := progtest.Install(t)
	p := in.Start(in.Env(skipping, "HUBSPOT_SYNC_SCHEDULER_BATCH_SIZE=20"), "run")
	p.Wait("HubSpot account checked", 1) // whose the key is must be known
	in.Queue(n)
	all := fmt.Sprintf("%d Complete/Complete", n)
	in.Await(all, progtest.Counts)
	sent := func(want int) {
		t.Helper()
		in.Await(all, progtest.Counts)
		in.AwaitAsleep()
		if got := len(in.Sim.Writes()); got != want {
			t.Errorf("%d writes, want %d", got, want)
		}
	}
	sent(n)
	in.Exec(`UPDATE contacts SET hubspot_processing_status = 'Queued', hubspot_sync_status = 'Queued'`)
	sent(n)
	in.Exec(`UPDATE contacts SET name = name || CASE WHEN email LIKE 'c1%' THEN ' the First' ELSE '' END, hubspot_processing_status = 'Queued', hubspot_sync_status = 'Queued'`)
	sent(n + 11) // c1, c10 to c19
	if got := in.Ask(`SELECT concat_ws(' ', sum(claimed), sum(synced), sum(skipped), sum(failed + retried + released)) FROM contactsync.cycles`); got != fmt.Sprintf("%d %d %d 0", 3*n, n+11, 2*n-11) {
		t.Errorf("cycles counted %s", got)
	}
	if n := len(p.Saw("contact unchanged since it was sent last: no request needed")); n != 89 {
		t.Errorf("the log tells of %d", n)
	}
	if out := in.Must("status"); !strings.Contains(out, "unchanged, not sent") || !strings.Contains(out, "89") {
		t.Errorf("status:\n%s", out)
	}

	// Another row of a person, without an id yet.
	in.Exec(`INSERT INTO contacts (email, name, hubspot_sync_status, hubspot_processing_status) VALUES ('C2@example.org', 'Name 2', 'Queued', 'Queued')`)
	all = fmt.Sprintf("%d Complete/Complete", n+1)
	sent(n + 11)
	if got := in.Ask(`SELECT count(DISTINCT hubspot_contact_id)::text FROM contacts WHERE lower(email) = 'c2@example.org' AND hubspot_synced_at IS NOT NULL`); got != "1" {
		t.Errorf("two rows of a person have %s ids", got)
	}

	// By hand it is sent whatever is remembered.
	in.Must("sync", "c3@example.org")
	sent(n + 12)
	in.Exec(`UPDATE contacts SET hubspot_processing_status = 'Queued', hubspot_sync_status = 'Queued' WHERE email = 'c4@example.org'`)
	sent(n + 12)

	// A replica that is not told to skip sends everything, and the next that is
	// begins anew.
	p.Stop()
	q := in.Start(in.Env(), "run")
	q.Wait("leading", 1)
	in.Exec(`UPDATE contacts SET hubspot_processing_status = 'Queued', hubspot_sync_status = 'Queued' WHERE email = 'c4@example.org'`)
	sent(n + 13)
	q.Stop()
	in.Start(in.Env(skipping), "run").Wait("HubSpot account checked", 1)
	in.Exec(`UPDATE contacts SET hubspot_processing_status = 'Queued', hubspot_sync_status = 'Queued' WHERE email = 'c4@example.org'`)
	sent(n + 14)
}

// TestAKilledLeaderIsNotRemembered kills a leader whose request has arrived, and
// has the app take the edit back meanwhile: what HubSpot was told before is no
// reason not to tell it again.
func TestAKilledLeaderIsNotRemembered(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	first := in.Start(in.Env(skipping), "run")
	first.Wait("HubSpot account checked", 1)
	in.Exec(`INSERT INTO contacts (email, name, hubspot_processing_status) VALUES ('ada@example.org', 'V1', 'Queued')`)
	in.Await("Complete", `SELECT hubspot_processing_status::text FROM contacts`)
	in.AwaitAsleep()

	hanging, letGo := holdFirst(in)
	in.Exec(`UPDATE contacts SET name = 'V2', hubspot_processing_status = 'Queued'`)
	awaitRequest(t, hanging)
	first.Kill()
	letGo() // HubSpot takes it, and nobody hears of that
	in.Exec(`UPDATE contacts SET name = 'V1', hubspot_processing_status = 'Queued'`)
	in.Exec(`UPDATE contactsync.claims SET claimed_at = claimed_at - interval '1 hour'`) // the quarantine is over
	in.Start(in.Env(skipping), "run").Wait("leading", 1)
	in.Await("Complete", `SELECT hubspot_processing_status::text FROM contacts`)
	if got := sentTo(in, "ada@example.org"); got != "V1 V2 V1" && got != "V1 V1" {
		t.Errorf("HubSpot got %q, want V1 at the end, sent anew", got)
	}
	if c, _ := in.Sim.Contact("ada@example.org"); c.Properties["firstname"] != "V1" {
		t.Errorf("HubSpot has %q, want V1", c.Properties["firstname"])
	}
}
