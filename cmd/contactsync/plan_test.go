package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// everything is a text of all that the database holds about contacts.
const everything = `SELECT concat_ws(' | ',
	(SELECT string_agg(c::text || c.xmin::text, ' ' ORDER BY c.id) FROM contacts c),
	(SELECT count(*) FROM contactsync.claims), (SELECT count(*) FROM contactsync.cycles),
	(SELECT count(*) FROM contactsync.slots), (SELECT last_value FROM contactsync.cycles_id_seq))`

func TestPlan(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	today := time.Now().UTC().Format(time.DateOnly)
	in.Sim.Put("same@example.org", map[string]string{"firstname": "Same", "scrapersky_sync_date": today})
	in.Sim.Put("old@example.org", map[string]string{"firstname": "Old", "scrapersky_sync_date": today})
	in.Exec(`INSERT INTO contacts (email, name, phone_number, hubspot_processing_status, hubspot_sync_status, updated_at) VALUES
		('same@example.org', 'Same', NULL, 'Queued', 'Queued', now()),
		('old@example.org', 'Newer', NULL, 'Queued', 'Queued', now()),
		('New@example.org', 'First Version', '+1 555', 'Queued', 'Queued', now() - interval '1 hour'),
		('new@example.org', 'Second Version', NULL, 'Queued', 'Queued', now()),
		(NULL, 'Nobody', NULL, 'Queued', 'Queued', now()),
		('picked@example.org', 'Picked', NULL, NULL, 'Selected', now())`)
	before := in.Ask(everything)

	out := in.Must("plan")
	for _, want := range []string{
		"= unchanged  ", "~ updated  ", "\n    firstname: \"Old\" → \"Newer\"\n", "+ created  ", "\n    firstname: \"Second\"\n",
		"\n    phone: \"+1 555\"\n", "✗ rejected ", "NO_EMAIL: the contact has no email address",
		"5 rows are 4 contacts: 1 created, 1 updated, 1 unchanged, 1 rejected\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("plan does not say %q:\n%s", want, out)
		}
	}
	if !strings.Contains(in.Must("plan", "--limit", "2"), "There are more: raise --limit.") {
		t.Error("--limit hides contacts without a word")
	}
	if out := in.Must("plan", "--status", "selected"); !strings.Contains(out, "picked@example.org") || !strings.Contains(out, "1 row is 1 contact: 1 created") {
		t.Errorf("plan --status:\n%s", out)
	}
	out, errs, code := in.Command(in.Env(), "plan", "picked@example.org", "nobody@example.org", "11111111-1111-1111-1111-111111111111")
	if code != 1 || !strings.Contains(out, "+ created") || !strings.Contains(errs, "nobody@example.org") || !strings.Contains(errs, "11111111") {
		t.Errorf("exit code %d for contacts that do not exist:\n%s%s", code, out, errs)
	}
	out, _, _ = in.Command(in.Env("LOG_REDACT_EMAILS=true"), "plan")
	if strings.Contains(out, "same@") || !strings.Contains(out, "s***@example.org") {
		t.Errorf("emails are shown:\n%s", out)
	}

	var plan struct {
		Contacts []struct {
			IDs    []string
			Email  string
			Effect string
			Fields []struct{ Name, Before, After string }
		}
		Counts struct{ Rows, Created, Updated, Unchanged, Rejected int }
	}
	if err := json.Unmarshal([]byte(in.Must("plan", "--json")), &plan); err != nil {
		t.Fatal(err)
	}
	if len(plan.Contacts) != 4 || plan.Counts.Rows != 5 || plan.Counts.Created != 1 || plan.Counts.Rejected != 1 {
		t.Errorf("%+v", plan)
	}

	if n := len(in.Sim.Writes()); n != 0 {
		t.Errorf("%d writes at HubSpot", n)
	}
	if after := in.Ask(everything); after != before {
		t.Errorf("the database was\n%s\nand is\n%s", before, after)
	}

	in.Sim.RemoveProperty("scrapersky_page_id")
	out, errs, code = in.Command(in.Env(), "plan")
	if code != 1 || !strings.Contains(out, "! nothing would be sent: HubSpot has no property scrapersky_page_id") || !strings.Contains(errs, "contactsync setup") {
		t.Errorf("exit code %d with a property missing, want 1 and why:\n%s%s", code, out, errs)
	}
}

// What is planned is what happens.
func TestPlanForetells(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	in.Queue(2300)
	for _, email := range []string{"c7@example.org", "c2000@example.org"} {
		in.Sim.Put(email, map[string]string{"firstname": "Other"})
	}
	if out := in.Must("plan"); !strings.Contains(out, "1000 rows are 1000 contacts") || !strings.Contains(out, "There are more") {
		t.Errorf("plan:\n%s", out[max(0, len(out)-500):])
	}
	out := in.Must("plan", "--limit", "5000")
	if !strings.HasSuffix(out, "2300 rows are 2300 contacts: 2298 created, 2 updated, 0 unchanged, 0 rejected\n") {
		t.Errorf("plan:\n%s", out[max(0, len(out)-500):])
	}
	in.Must("run", "--once")
	if got := in.Ask(`SELECT sum(created) || ' created of ' || sum(synced) FROM contactsync.cycles`); got != "2298 created of 2300" {
		t.Errorf("the sync: %s", got)
	}
	in.Exec(`UPDATE contacts SET hubspot_processing_status = 'Queued'`)
	if out := in.Must("plan", "--limit", "5000"); !strings.HasSuffix(out, "0 created, 0 updated, 2300 unchanged, 0 rejected\n") {
		t.Errorf("plan after the sync:\n%s", out[max(0, len(out)-500):])
	}
}

func TestPlanUsage(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"plan --limit 0":                  "from 1",
		"plan --status Nosuch":            `no status "Nosuch"`,
		"plan a@example.org --status New": "in one way",
	} {
		_, errs, code := inProcess(t, nil, strings.Fields(args)...)
		if code != 2 || !strings.Contains(errs, want) {
			t.Errorf("%s: exit code %d, %s", args, code, errs)
		}
	}
}
