package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// mappedInstallation has columns and properties of every type, and the programs'
// environment with the map between them.
func mappedInstallation(t *testing.T) (in *progtest.Installation, env []string) {
	t.Helper()
	in = progtest.Install(t)
	in.Exec(`CREATE TYPE plan AS ENUM ('free', 'paid')`)
	in.Exec(`ALTER TABLE contacts ADD COLUMN job_title text, ADD COLUMN source_url varchar(200), ADD COLUMN score numeric(10,2),
		ADD COLUMN vip boolean, ADD COLUMN born date, ADD COLUMN "Seen At" timestamptz, ADD COLUMN plan plan, ADD COLUMN tags text[], ADD COLUMN team uuid`)
	for _, p := range []hubspotsim.Property{
		{Name: "score", Type: "number"},
		{Name: "vip", Type: "bool"},
		{Name: "born", Type: "date"},
		{Name: "seen_at", Type: "datetime"},
		{Name: "plan", Type: "enumeration", Options: []string{"free", "paid"}},
		{Name: "tags", Type: "enumeration", FieldType: "checkbox", Options: []string{"a", "b"}},
		{Name: "team"},
	} {
		in.Sim.AddProperty(p)
	}
	mapped := "HUBSPOT_PROPERTY_MAP=job_title:jobtitle!,source_url:website,score:score,vip:vip,born:born,Seen At:seen_at,plan:plan,tags:tags!,team:team"
	in.AsOwner().Must("migrate", "status") // builds the program before anything is timed
	owner := in.AsOwner()
	if _, errs, code := owner.Command(owner.Env(mapped), "migrate", "up"); code != 0 {
		t.Fatalf("migrate up: exit code %d\n%s", code, errs)
	}
	return in, in.Env(mapped, "HUBSPOT_SYNC_SCHEDULER_BATCH_SIZE=100")
}

// Values of every type arrive as HubSpot wants them; NULL leaves a property or
// clears it, as the map says; what HubSpot refuses costs that contact alone.
func TestMappedColumnsTravel(t *testing.T) {
	t.Parallel()
	in, env := mappedInstallation(t)
	in.Start(env, "run").Wait("leading", 1)
	in.Exec(`INSERT INTO contacts (email, job_title, source_url, score, vip, born, "Seen At", plan, tags, team, hubspot_processing_status) VALUES
		('full@example.org', ' Chief; of "all" ', 'https://example.org', 12.5, true, '1990-02-28', '2026-03-01 01:30:00.1239+02', 'paid', '{a,b}', '7d444840-9dc0-11d1-b245-5ffdce74fad2', 'Queued'),
		('none@example.org', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'Queued'),
		('odd@example.org', NULL, NULL, 'NaN', NULL, NULL, 'infinity', NULL, '{}', NULL, 'Queued'),
		('refused@example.org', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"a;b",nonsense}', NULL, 'Queued')`)
	in.Await("3 Complete/Complete, 1 Error/Error", progtest.Counts)
	want := map[string]map[string]string{
		"full@example.org": {
			"jobtitle": `Chief; of "all"`, "website": "https://example.org", "score": "12.50", "vip": "true", "born": "1990-02-28",
			"seen_at": "2026-02-28T23:30:00.123Z", "plan": "paid", "tags": "a;b", "team": "7d444840-9dc0-11d1-b245-5ffdce74fad2",
		},
		"none@example.org": {"jobtitle": "", "tags": ""},
		"odd@example.org":  {"jobtitle": "", "tags": ""},
	}
	for _, w := range in.Sim.Writes() {
		delete(w.Properties, "scrapersky_sync_date")
		if !maps.Equal(w.Properties, want[w.Email]) {
			t.Errorf("%s was sent as %q, want %q", w.Email, w.Properties, want[w.Email])
		}
	}
	if code := in.Ask(`SELECT hubspot_error_code || ' ' || hubspot_processing_error FROM contacts WHERE email = 'refused@example.org'`); !strings.HasPrefix(code, "INVALID_VALUE") || !strings.Contains(code, "a,b") {
		t.Errorf("a value that HubSpot refuses: %s", code)
	}

	in.Exec(`UPDATE contacts SET job_title = NULL, source_url = NULL, tags = NULL, hubspot_processing_status = 'Queued' WHERE email = 'full@example.org'`)
	in.AwaitAsleep()
	in.Await("Complete", `SELECT hubspot_processing_status::text FROM contacts WHERE email = 'full@example.org'`)
	c, _ := in.Sim.Contact("full@example.org")
	if got := fmt.Sprint(c.Properties["jobtitle"], "|", c.Properties["tags"], "|", c.Properties["website"]); got != "||https://example.org" {
		t.Errorf("after a NULL HubSpot has %s; the marked ones should be cleared", got)
	}

	// Two rows of one person: the newest values over the older ones.
	in.Exec(`INSERT INTO contacts (email, job_title, score, updated_at, hubspot_processing_status) VALUES
		('twice@example.org', 'older', 1, now() - interval '1 hour', 'Queued'), ('Twice@example.org', 'newer', NULL, now(), 'Queued')`)
	in.Await("2", `SELECT count(*)::text FROM contacts WHERE email ILIKE 'twice%' AND hubspot_processing_status = 'Complete'`)
	c, _ = in.Sim.Contact("twice@example.org")
	if got := c.Properties["jobtitle"] + " " + c.Properties["score"]; got != "newer 1.00" {
		t.Errorf("two rows were merged to %s", got)
	}
}

// An edit of a mapped column while the contact is in flight is sent, too.
func TestAMappedColumnIsEditedInFlight(t *testing.T) {
	t.Parallel()
	in, env := mappedInstallation(t)
	stop := in.Sim.OnArrival(func(r hubspotsim.Request) {
		if strings.HasSuffix(r.Path, "batch/upsert") && in.Sim.Stats().Writes == 0 {
			pgtest.Exec(t, in.URL, `UPDATE contacts SET job_title = 'V2'`)
		}
	})
	defer stop()
	in.Start(env, "run").Wait("leading", 1)
	in.Exec(`INSERT INTO contacts (email, job_title, hubspot_processing_status) VALUES ('ada@example.org', 'V1', 'Queued')`)
	in.Await("Complete", `SELECT hubspot_processing_status::text FROM contacts`)
	var sent []string
	for _, w := range in.Sim.Writes() {
		sent = append(sent, w.Properties["jobtitle"])
	}
	if got := strings.Join(sent, " "); got != "V1 V2" {
		t.Errorf("HubSpot got %q, want both versions", got)
	}
	if c, _ := in.Sim.Contact("ada@example.org"); c.Properties["jobtitle"] != "V2" {
		t.Errorf("HubSpot has %q, want the edit", c.Properties["jobtitle"])
	}
}

// Replicas with an old and a new map side by side, as during a deploy: every
// contact arrives, by the map of whoever sent it, and the new one's columns after
// it was queued again.
func TestMapsOfTwoReplicas(t *testing.T) {
	t.Parallel()
	in, env := mappedInstallation(t)
	both := slices.Concat(env, []string{"HUBSPOT_SYNC_SCHEDULER_MAX_INSTANCES=2", "HUBSPOT_SYNC_SCHEDULER_BATCH_SIZE=5"})
	former := in.Start(slices.Concat(both, []string{"HUBSPOT_PROPERTY_MAP=job_title:jobtitle"}), "run")
	former.Wait("leading", 1)
	next := in.Start(both, "run")
	next.Wait("leading", 1)
	in.Exec(`INSERT INTO contacts (email, job_title, score, hubspot_processing_status) SELECT 'c' || i || '@example.org', 'T' || i, i, 'Queued' FROM generate_series(1, 200) i`)
	in.Await("200 Complete/Complete", progtest.Counts)
	if former.Stop() != 0 {
		t.Error("the old replica did not stop well")
	}
	in.Exec(`UPDATE contacts SET hubspot_processing_status = 'Queued'`)
	in.Await("200 Complete/Complete", strings.ReplaceAll(progtest.Counts, "hubspot_sync_status", "'Complete'"))
	for i := range 200 {
		email := fmt.Sprintf("c%d@example.org", i+1)
		c, _ := in.Sim.Contact(email)
		if got, want := c.Properties["jobtitle"]+" "+c.Properties["score"], fmt.Sprintf("T%d %d.00", i+1, i+1); got != want {
			t.Errorf("%s has %q, want %q", email, got, want)
		}
	}
	t.Logf("the old map sent %d cycles, the new one %d", len(former.Saw("Starting HubSpot sync scheduler cycle")), len(next.Saw("Starting HubSpot sync scheduler cycle")))
}

// What is wrong with a map is said at the start, all of it, by every command that
// needs it; what is wrong at HubSpot by doctor, plan and setup.
func TestAMapIsChecked(t *testing.T) {
	t.Parallel()
	in, env := mappedInstallation(t)
	says := func(env []string, code int, parts []string, args ...string) {
		t.Helper()
		out, errs, got := in.Command(env, args...)
		if got != code {
			t.Errorf("%v: exit code %d, want %d:\n%s%s", args, got, code, out, errs)
		}
		for _, part := range parts {
			if !strings.Contains(out+errs, part) {
				t.Errorf("%v does not say %q:\n%s%s", args, part, out, errs)
			}
		}
	}
	in.Exec(`ALTER TABLE contacts ADD COLUMN extra jsonb, ADD COLUMN secret text`)
	wrong := in.Env("HUBSPOT_PROPERTY_MAP=nowhere:jobtitle,extra:website,secret:company")
	all := []string{`contacts has no column "nowhere"`, `column "extra" is of type jsonb`, `GRANT SELECT ("secret") ON public.contacts`, "HUBSPOT_PROPERTY_MAP"}
	for _, args := range []string{"run", "run --once", "plan", "sync a@example.org", "setup"} {
		says(wrong, 2, all, strings.Fields(args)...)
	}
	says(wrong, 1, all, "doctor")

	// The right to read a column comes with grant.
	owner := in.AsOwner()
	secret := "HUBSPOT_PROPERTY_MAP=secret:company"
	says(in.Env(secret), 2, []string{"migrate grant"}, "run", "--once")
	worker := in.Ask(`SELECT name FROM contactsync.installed WHERE kind = 'role'`)
	says(owner.Env(secret), 0, []string{`GRANT SELECT ("secret") ON contacts TO "` + worker + `";`}, "migrate", "grant", "--sql", worker)
	says(owner.Env(secret), 0, nil, "migrate", "grant", worker)
	says(in.Env(secret), 0, nil, "run", "--once")
	says(owner.Env("HUBSPOT_PROPERTY_MAP=nowhere:jobtitle"), 2, []string{`no column "nowhere"`}, "migrate", "up")

	// HubSpot's side.
	in.Sim.RemoveProperty("score")
	in.Sim.AddProperty(hubspotsim.Property{Name: "vip", Type: "date"})
	in.Sim.AddProperty(hubspotsim.Property{Name: "plan", ReadOnly: true})
	says(env, 1, []string{"HubSpot has no property score (type number)", "vip: it is of type date, but bool is wanted", "plan: it is read-only", "can be sent: job_title (text)", "Seen At (timestamp)"}, "doctor")
	says(env, 1, []string{"HubSpot has no property score (type number)", "property vip: it is of type date"}, "plan")
	says(env, 1, []string{"+ created       property score (number)", "✗ does not fit  property vip (date)", "✗ does not fit  property plan", "✓ exists        property tags (enumeration)"}, "setup")
	in.Sim.AddProperty(hubspotsim.Property{Name: "vip", Type: "bool"})
	in.Sim.AddProperty(hubspotsim.Property{Name: "plan"})
	says(env, 0, []string{"✓ exists        property score (number)"}, "setup")

	// What HubSpot writes in its own way is no change.
	in.Exec(`INSERT INTO contacts (email, score, "Seen At", hubspot_processing_status) VALUES ('ada@example.org', 12.5, '2026-03-01 00:00:00+00', 'Queued')`)
	in.Sim.Put("ada@example.org", map[string]string{"score": "12.5", "seen_at": "2026-03-01T00:00:00Z"})
	says(env, 0, []string{"~ updated", "scrapersky_sync_date"}, "plan", "ada@example.org")
	if out, _, _ := in.Command(env, "plan", "ada@example.org"); strings.Contains(out, "score") || strings.Contains(out, "seen_at") {
		t.Errorf("plan takes the same value for another:\n%s", out)
	}
}

// A leader tells at its start, before anything is queued and in one line, which
// mapped properties HubSpot has not as they have to be, and goes on; it tells
// nothing of a map that fits.
func TestALeaderChecksTheMap(t *testing.T) {
	t.Parallel()
	in, env := mappedInstallation(t)
	const told = "HUBSPOT_PROPERTY_MAP does not fit what HubSpot has"
	looks := func() (n int) {
		for _, r := range in.Sim.Received() {
			if strings.Contains(r.Path, "/properties/") {
				n++
			}
		}
		return n
	}
	in.Start(in.Env(), "run", "--once").End()
	if n := looks(); n != 0 {
		t.Errorf("%d properties were looked at without a map", n)
	}
	fits := in.Start(env, "run", "--once")
	if code := fits.End(); code != 0 || len(fits.Saw(told)) != 0 || looks() != 9 {
		t.Errorf("a map that fits: exit code %d, %d of 9 properties looked at\n%s", code, looks(), fits.Tail())
	}

	in.Sim.RemoveProperty("score")
	in.Sim.AddProperty(hubspotsim.Property{Name: "vip", Type: "date"})
	in.Sim.AddProperty(hubspotsim.Property{Name: "plan", ReadOnly: true})
	p := in.Start(env, "run")
	line := p.Wait(told, 1)[0]
	const instead = "name another property in HUBSPOT_PROPERTY_MAP, or delete this one in HubSpot and run `contactsync setup`"
	want := "HubSpot has no property score (type number): run `contactsync setup`; until then the sync is paused. " +
		"vip: it is of type date, but bool is wanted: " + instead + ". " +
		"plan: it is read-only: HubSpot computes its value: " + instead
	if line["level"] != "WARN" || line["problems"] != want {
		t.Errorf("%v: %s\nwant\n%s", line["level"], line["problems"], want)
	}
	in.Exec(`INSERT INTO contacts (email, job_title, hubspot_processing_status) VALUES ('ada@example.org', 'Chief', 'Queued')`)
	in.Await("1 Complete/Complete", progtest.Counts) // none of its values is for what does not fit
	if n := len(p.Saw(told)); n != 1 {
		t.Errorf("told %d times", n)
	}

	// What the account refuses to tell is its own story.
	in.Sim.Inject(hubspotsim.Fault{Path: "/properties/", Status: 403})
	blind := in.Start(env, "run", "--once")
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if code := blind.End(); code != 0 || len(blind.Saw(told)) != 0 || strings.Contains(blind.Tail(), `"WARN"`) {
		t.Errorf("without the right to look: exit code %d\n%s", code, blind.Tail())
	}
}
