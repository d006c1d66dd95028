package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

const heldMessage = "HubSpot sync paused by an operator: contacts stay queued"

// An operator pauses a busy team: what is in flight is finished, no replica claims
// anything, also not the one that leads after the leader was killed, writers that
// come meanwhile are not lost, and resume sends it all at once.
func TestPause(t *testing.T) {
	t.Parallel()
	for _, instances := range []string{"1", "2"} {
		t.Run(instances+" leading", func(t *testing.T) {
			t.Parallel()
			in := progtest.Install(t)
			env := in.Env("HUBSPOT_SYNC_SCHEDULER_MAX_INSTANCES="+instances, "HUBSPOT_RATE_LIMIT_PER_10S=1000")
			var team []*progtest.Process
			for range 3 {
				team = append(team, in.Start(env, "run"))
			}
			in.Await(instances, `SELECT count(*)::text FROM contactsync.slots`)
			in.Sim.Inject(hubspotsim.Fault{Path: "batch/upsert", Latency: time.Second})
			in.Queue(500)
			in.Await("true", `SELECT (count(*) > 0)::text FROM contactsync.claims`)

			var answer paused
			if err := json.Unmarshal([]byte(in.Must("pause", "--as", "ada", "--reason", "clean-up", "--json")), &answer); err != nil {
				t.Fatal(err)
			}
			if !answer.Paused || !answer.Changed || answer.Hold.Who != "ada" || answer.Queued == 0 {
				t.Errorf("pause answers %+v", answer)
			}
			in.Await("0", `SELECT count(*)::text FROM contactsync.claims`)
			in.Sim.ClearFaults()
			sent := len(in.Sim.Writes())
			if done := in.Ask(`SELECT count(*)::text FROM contacts WHERE hubspot_processing_status = 'Complete'`); sent == 0 || sent == 500 {
				t.Errorf("%d contacts were sent and %s are Complete: none was in flight, or all were", sent, done)
			}
			if got := in.Ask(`SELECT string_agg(DISTINCT hubspot_processing_status || ' ' || retry_count, ', ') FROM contacts`); got != "Complete 0, Queued 0" {
				t.Errorf("contacts are %s", got)
			}

			dead := in.Ask(`SELECT instance FROM contactsync.slots ORDER BY slot LIMIT 1`)
			byName(team, dead).Kill()
			in.Await("0", `SELECT count(*)::text FROM contactsync.slots WHERE instance = '`+dead+`'`)
			for name := range strings.FieldsSeq(in.Ask(`SELECT string_agg(instance, ' ') FROM contactsync.slots`)) { // every leader has looked
				byName(team, name).Wait(heldMessage, 1)
			}
			in.Await("0", `SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory' AND objid = 1 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
			in.Exec(`INSERT INTO contacts (email, hubspot_processing_status) VALUES ('late@example.org', 'Queued')`)
			if out := in.Must("status"); !strings.Contains(out, "Paused by ada since") || !strings.Contains(out, "clean-up") {
				t.Errorf("status:\n%s", out)
			}
			if out := in.Must("pause", "--as", "bob"); !strings.Contains(out, "Paused already: by ada") {
				t.Errorf("second pause:\n%s", out)
			}
			if out := in.Must("plan", "late@example.org"); !strings.Contains(out, "! the sync is paused by ada: clean-up; until `contactsync resume` nothing is sent") {
				t.Errorf("plan:\n%s", out)
			}
			if out := in.Must("sync", "--as", "bob", "late@example.org"); !strings.Contains(out, "paused by ada: clean-up") || !strings.Contains(out, "created as HubSpot contact") {
				t.Errorf("sync by hand:\n%s", out)
			}
			in.Exec(`UPDATE contacts SET hubspot_processing_status = 'Queued', name = 'Again' WHERE email = 'late@example.org'`)
			if instances == "1" {
				_, errs, code := in.Command(in.Env("HUBSPOT_SYNC_SCHEDULER_MAX_INSTANCES=9", "HUBSPOT_RATE_LIMIT_PER_10S=1000"), "run", "--once")
				if code != 1 || !strings.Contains(errs, "the sync is paused by ada") || !strings.Contains(errs, "contactsync resume") {
					t.Errorf("run --once: exit code %d\n%s", code, errs)
				}
			}
			if n := len(in.Sim.Writes()); n != sent+1 {
				t.Errorf("%d contacts were sent during the pause", n-sent-1)
			}

			arrived := make(chan time.Time, 1000)
			in.Sim.OnRequest(func(r hubspotsim.Request) {
				if len(r.Inputs) > 0 {
					arrived <- r.Time
				}
			})
			var held int64
			if err := in.App.QueryRow(t.Context(), `SELECT count(*) FROM contacts WHERE hubspot_processing_status = 'Queued'`).Scan(&held); err != nil {
				t.Fatal(err)
			}
			if out := in.Must("resume", "--as", "bob"); out != "Resumed: "+plural(held)+" queued.\n" {
				t.Errorf("resume:\n%s", out)
			}
			var resumed time.Time
			if err := in.App.QueryRow(t.Context(), `SELECT max(at) FROM contactsync.actions`).Scan(&resumed); err != nil {
				t.Fatal(err)
			}
			in.Await("501", `SELECT count(*)::text FROM contacts WHERE hubspot_processing_status = 'Complete'`)
			t.Logf("%d contacts were in flight at the pause; the first request after resume arrived %v later", sent, (<-arrived).Sub(resumed))
			times := map[string]int{}
			for _, w := range in.Sim.Writes() {
				times[w.Email]++
			}
			if n := times["late@example.org"]; n != 2 || len(times) != 501 || len(in.Sim.Writes()) != 502 {
				t.Errorf("%d contacts in %d writes, the late one %d times; want 501 in 502, and it twice", len(times), len(in.Sim.Writes()), n)
			}
			if got := in.Ask(`SELECT string_agg(concat_ws(' ', who, via, action, detail), ', ' ORDER BY id) FROM contactsync.actions`); got != "ada terminal pause clean-up, bob terminal sync while it was paused by ada, bob terminal resume " {
				t.Errorf("recorded %s", got)
			}
			if out := in.Must("resume"); out != "Nothing was paused by hand: nothing is queued.\n" {
				t.Errorf("second resume:\n%s", out)
			}
		})
	}
}

// byName is the process of that instance.
func byName(team []*progtest.Process, instance string) *progtest.Process {
	for _, p := range team {
		if p.Is(instance) {
			return p
		}
	}
	team[0].Fatalf("nobody is %s", instance)
	return nil
}

// A paused leader that nobody wakes does next to nothing, and says once that it is
// paused and once that it goes on.
func TestPauseIsToldOnce(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	p := in.Start(in.Env(), "run")
	in.AwaitAsleep()
	if out := in.Must("pause"); !strings.Contains(out, "\n0 contacts are queued and stay so; 0 contacts are in flight") {
		t.Errorf("pause:\n%s", out)
	}
	p.Wait(heldMessage, 1)
	for range 5 {
		in.Exec(`SELECT pg_notify('contact_queued', '')`)
	}
	in.Queue(1)
	if out := in.Must("pause"); !strings.Contains(out, "\n1 contact is queued and stays so; 0 contacts are in flight") {
		t.Errorf("second pause:\n%s", out)
	}
	if out := in.Must("resume"); out != "Resumed: 1 contact is queued.\n" { // which the leader may have sent by now
		t.Errorf("resume:\n%s", out)
	}
	in.Await("1 Complete/Complete", progtest.Counts)
	in.AwaitAsleep()
	for msg, want := range map[string]int{heldMessage: 1, "HubSpot sync resumed by an operator": 1} {
		if n := len(p.Saw(msg)); n != want {
			t.Errorf("%q logged %d times, want %d", msg, n, want)
		}
	}
}
