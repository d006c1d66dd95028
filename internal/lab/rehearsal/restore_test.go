package rehearsal

import (
	"maps"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// TestRestoreFromADump backs a busy installation up, lets it go on, loses it, and
// goes on from the backup: with contacts in flight then, queued then, and one whose
// values in HubSpot are newer than the backup's.
func TestRestoreFromADump(t *testing.T) {
	t.Parallel()
	steps := commands(t, "restore", 4)
	server := ownServer(t)
	s := furnish(t, database(t, server, "production"))
	s.install()
	s.Queue(20)
	first := s.Start(s.Env("HUBSPOT_TIMEOUT=10s"), "run")
	s.Await("20 Complete/Complete", progtest.Counts)
	s.AwaitAsleep()

	// The backup is taken while HubSpot does not answer another leader's first
	// request: it claims nothing more until then.
	first.Kill()
	leader := s.Start(s.Env("HUBSPOT_TIMEOUT=10s"), "run")
	s.AwaitAsleep()
	s.Sim.Inject(hubspotsim.Fault{Path: "batch/upsert", Mode: hubspotsim.Hang})
	queue := func(email, phone string) {
		s.Exec(`INSERT INTO contacts (email, name, phone_number, hubspot_sync_status, hubspot_processing_status) VALUES ($1, 'Name', $2, 'Queued', 'Queued')`, email, phone)
	}
	queue("flight@example.org", "1")
	s.Await("1", `SELECT count(*)::text FROM contactsync.claims`)
	queue("queued@example.org", "1")
	queue("stale@example.org", "old")
	s.sh(steps[0])

	// Life goes on, and ends.
	s.Sim.ClearFaults()
	s.Exec(`UPDATE contacts SET phone_number = 'new', hubspot_processing_status = 'Queued' WHERE email = 'stale@example.org'`)
	queue("after@example.org", "1")
	s.Await("24 Complete/Complete", progtest.Counts)
	leader.Kill()
	byThen := times(s.Sim.Writes())

	// The copy.
	restored := database(t, server, "restored")
	s.sh(steps[1], "RESTORED_URL="+restored)
	s.URL, s.Worker = restored, at(t, s.Worker, "restored")
	s.App = s.Connect()
	if got, want := s.Ask(progtest.Counts), "20 Complete/Complete, 1 Processing/Processing, 2 Queued/Queued"; got != want {
		t.Errorf("restored are %s, want %s", got, want)
	}
	if n := s.Ask(`SELECT count(*)::text FROM contactsync.claims`); n != "1" {
		t.Errorf("%s claims are restored, want the one of the backup", n)
	}
	said := s.sh(steps[2])
	for _, want := range []string{"up to date", "stale@example.org", "new", "old"} {
		if !strings.Contains(said, want) {
			t.Errorf("looking does not say %q:\n%s", want, said)
		}
	}
	s.sh(steps[3])
	if got := times(s.Sim.Writes()); !maps.Equal(got, byThen) {
		t.Errorf("looking wrote: %v, before %v", got, byThen)
	}

	// Two replicas go on from there.
	for range 2 {
		s.Start(s.Env("HUBSPOT_TIMEOUT=1s"), "run").Wait("HubSpot sync scheduler job registered successfully", 1)
	}
	s.Await("22 Complete/Complete, 1 Queued", progtest.Counts)
	queue("next@example.org", "1") // with a tick an hour away: triggers, doorbell and listener work
	s.Await("Complete", `SELECT hubspot_processing_status::text FROM contacts WHERE email = 'next@example.org'`)
	if c, _ := s.Sim.Contact("stale@example.org"); c.Properties["phone"] != "new" {
		t.Errorf("HubSpot has %q of the stale contact, want what is newer than the backup", c.Properties["phone"])
	}
	for email, want := range map[string]int{"flight@example.org": 1, "queued@example.org": 1, "c1@example.org": 0, "after@example.org": 0, "stale@example.org": 0} {
		if again := times(s.Sim.Writes())[email] - byThen[email]; again != want {
			t.Errorf("%s was sent %d times after the restore, want %d", email, again, want)
		}
	}
	if got := s.Ask(`SELECT concat_ws(' ', retry_count, hubspot_processing_status) FROM contacts WHERE email = 'flight@example.org'`); got != "1 Complete" {
		t.Errorf("the contact in flight is %q, want one attempt counted", got)
	}
	if n := s.Ask(`SELECT count(*)::text FROM contactsync.claims`); n != "0" {
		t.Errorf("%s claims are left", n)
	}
	s.Exec(`DROP OWNED BY ` + s.role) // its rights in the copy; the role itself goes with the test
}
