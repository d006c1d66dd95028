package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/brevosim"
	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// The eight tests of the scheduler that this program replaces, once more for Brevo:
// against the built program, a real Postgres and the simulator.

const brevoKey = "xkeysib-good-key"

const brevoContacts = `INSERT INTO contacts
	(email, name, phone_number, domain_id, page_id, brevo_sync_status, brevo_processing_status) VALUES
	('scheduler-test-1@example.com', 'Scheduler Test 1', '+1-555-0001', '11111111-1111-1111-1111-111111111111', '22222222-2222-2222-2222-222222222222', 'Queued', 'Queued'),
	('scheduler-test-2@example.com', 'Scheduler Test 2', '+1-555-0002', '11111111-1111-1111-1111-111111111111', '22222222-2222-2222-2222-222222222222', 'Queued', 'Queued'),
	('scheduler-test-3@example.com', 'Scheduler Test 3', NULL, '11111111-1111-1111-1111-111111111111', '22222222-2222-2222-2222-222222222222', 'Queued', 'Queued')`

const brevoCounts = `SELECT coalesce(string_agg(n || ' ' || s, ', ' ORDER BY s), 'none') FROM (
	SELECT count(*) AS n, concat_ws('/', brevo_sync_status, brevo_processing_status) AS s FROM contacts GROUP BY 2) x`

// besideBrevo is an installation that has Brevo, too.
type besideBrevo struct {
	*progtest.Installation
	brevo    *brevosim.Sim
	settings []string
}

// withBrevo gives a test an installation that is migrated for Brevo.
func withBrevo(t *testing.T, o brevosim.Options) *besideBrevo {
	t.Helper()
	o.Key = brevoKey
	b := &besideBrevo{Installation: progtest.Install(t), brevo: brevosim.New(o)}
	server := httptest.NewServer(b.brevo)
	t.Cleanup(func() {
		b.brevo.ClearFaults() // lets go of what hangs
		server.Close()
		for _, v := range b.brevo.Violations() {
			t.Error(v)
		}
		if d := b.brevo.Doubled(); len(d) > 0 {
			t.Errorf("under way twice at the same time: %v", d)
		}
	})
	b.settings = []string{"BREVO_API_KEY=" + brevoKey, "BREVO_API_BASE_URL=" + server.URL, "BREVO_SYNC_SCHEDULER_INTERVAL_MINUTES=60"}
	owner := b.AsOwner()
	if out, errs, code := owner.Command(owner.Env(b.settings...), "migrate", "up"); code != 0 {
		t.Fatalf("migrate up: exit code %d\n%s%s", code, out, errs)
	}
	return b
}

// env is that of a program that feeds Brevo alone.
func (b *besideBrevo) env(more ...string) []string {
	return b.Env(append(append([]string{"HUBSPOT_API_KEY="}, b.settings...), more...)...)
}

// both is that of a program that feeds HubSpot, too.
func (b *besideBrevo) both(more ...string) []string { return b.Env(append(b.settings, more...)...) }

// queue inserts n contacts for Brevo in one commit.
func (b *besideBrevo) queue(n int) {
	b.Helper()
	b.Exec(`INSERT INTO contacts (email, name, brevo_sync_status, brevo_processing_status)
		SELECT 'c' || i || '@example.org', 'Name ' || i, 'Queued', 'Queued' FROM generate_series(1, $1::int) i`, n)
}

// wantEachOnce checks that Brevo got n contacts, each in one write.
func (b *besideBrevo) wantEachOnce(n int) {
	b.Helper()
	times := map[string]int{}
	for _, w := range b.brevo.Writes() {
		times[w.Email]++
	}
	if len(times) != n {
		b.Errorf("%d contacts in Brevo, want %d", len(times), n)
	}
	for email, k := range times {
		if k != 1 {
			b.Errorf("%s was sent %d times", email, k)
		}
	}
}

func TestBrevo1Startup(t *testing.T) {
	t.Parallel()
	b := withBrevo(t, brevosim.Options{})
	p := b.Start(b.env("BREVO_SYNC_SCHEDULER_INTERVAL_MINUTES="), "run")
	config := p.Wait("Configuring Brevo sync scheduler", 1)[0]
	if config["interval_minutes"] != 5.0 || config["batch_size"] != 10.0 || config["max_instances"] != 1.0 {
		t.Errorf("configured as %v, want interval 5, batch 10, instances 1", config)
	}
	p.Wait("Brevo sync scheduler job registered successfully", 1)
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d on SIGTERM, want 0", code)
	}
	if log := strings.Join(p.Log(), "\n"); strings.Contains(log, brevoKey) {
		t.Error("the key is in the log")
	}
}

// Without its key Brevo costs and touches nothing, and HubSpot works.
func TestBrevo1StartupWithoutKey(t *testing.T) {
	t.Parallel()
	b := withBrevo(t, brevosim.Options{})
	b.Exec(brevoContacts)
	b.Exec(`UPDATE contacts SET hubspot_processing_status = 'Queued'`)
	p := b.Start(b.Env("BREVO_API_KEY="), "run")
	b.Await("3", `SELECT count(*)::text FROM contacts WHERE hubspot_processing_status = 'Complete'`)
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d on SIGTERM, want 0", code)
	}
	if got := b.Ask(brevoCounts); got != "3 Queued/Queued" {
		t.Errorf("contacts are %s, want 3 Queued/Queued", got)
	}
	if n := len(b.brevo.Received()); n != 0 {
		t.Errorf("%d requests without a key", n)
	}
}

func TestBrevo2Queued(t *testing.T) {
	t.Parallel()
	b := withBrevo(t, brevosim.Options{})
	b.Exec(brevoContacts)
	got := b.Ask(`SELECT string_agg(concat_ws(' ', name, coalesce(phone_number, 'no phone'), brevo_retry_count, retry_count), ', ' ORDER BY name) FROM contacts`)
	if want := "Scheduler Test 1 +1-555-0001 0 0, Scheduler Test 2 +1-555-0002 0 0, Scheduler Test 3 no phone 0 0"; got != want {
		t.Errorf("contacts are %s, want %s", got, want)
	}
}

func TestBrevo3Processed(t *testing.T) {
	t.Parallel()
	b := withBrevo(t, brevosim.Options{})
	p := b.Start(b.env(), "run")
	p.Wait("notifications arrive", 1) // until then it looks every second
	began := time.Now()
	b.Exec(brevoContacts)
	b.Await("3 Complete/Complete", brevoCounts)
	t.Logf("INSERT to all three Complete: %v (the tick is an hour: the notification did it)", time.Since(began))
	got := b.Ask(`SELECT string_agg(DISTINCT concat_ws(' ', brevo_contact_id ~ '^[0-9]+$', brevo_synced_at IS NOT NULL, brevo_retry_count,
		coalesce(brevo_processing_error, 'no error'), coalesce(brevo_error_code, 'no code'), hubspot_contact_id IS NULL), ', ') FROM contacts`)
	if want := "t t 0 no error no code t"; got != want {
		t.Errorf("contacts are %s, want %s", got, want)
	}
	p.Wait("Starting Brevo sync scheduler cycle", 1)
	p.Wait("Processing contact", 3)
	p.Wait("Contact synced successfully to Brevo", 3)
	end := p.Wait("Finished Brevo sync scheduler cycle", 1)[0]
	if end["synced"] != 3.0 || end["contacts"] != 3.0 {
		t.Errorf("the cycle ended with %v", end)
	}
}

func TestBrevo4Attributes(t *testing.T) {
	t.Parallel()
	attributes := brevosim.Standard()
	attributes["JOB_TITLE"], attributes["HAS_GMAIL"] = "text", "boolean"
	b := withBrevo(t, brevosim.Options{Lists: []int64{30}, Attributes: attributes})
	b.Exec(`ALTER TABLE contacts ADD job_title text, ADD has_gmail boolean`)
	more := []string{"BREVO_LIST_ID=30", "BREVO_ATTRIBUTE_MAP=job_title:JOB_TITLE,has_gmail:HAS_GMAIL,phone_number:SMS"}
	owner := b.AsOwner()
	if out, errs, code := owner.Command(owner.Env(append(b.settings, more...)...), "migrate", "up"); code != 0 {
		t.Fatalf("migrate up: exit code %d\n%s%s", code, out, errs)
	}
	b.Exec(brevoContacts)
	b.Exec(`UPDATE contacts SET job_title = 'Owner', has_gmail = true`)
	// What the system before it wrote where an id belongs is not kept.
	b.Exec(`UPDATE contacts SET brevo_contact_id = email WHERE name = 'Scheduler Test 1'`)
	b.Start(b.env(more...), "run")
	b.Await("3 Complete/Complete", brevoCounts)
	b.Await("3", `SELECT count(*)::text FROM contacts WHERE brevo_contact_id ~ '^[0-9]+$'`)
	for n := 1; n <= 3; n++ {
		want := map[string]any{
			"FIRSTNAME": "Scheduler", "LASTNAME": fmt.Sprintf("Test %d", n), "PHONE": fmt.Sprintf("+1-555-000%d", n), "SMS": fmt.Sprintf("1555000%d", n),
			"DOMAIN_ID": "11111111-1111-1111-1111-111111111111", "PAGE_ID": "22222222-2222-2222-2222-222222222222",
			"JOB_TITLE": "Owner", "HAS_GMAIL": true,
		}
		if n == 3 {
			delete(want, "PHONE")
			delete(want, "SMS")
		}
		c, ok := b.brevo.Contact(fmt.Sprintf("scheduler-test-%d@example.com", n))
		if !ok || fmt.Sprint(c.Attributes) != fmt.Sprint(want) || fmt.Sprint(c.Lists) != "[30]" {
			t.Errorf("Brevo has %+v, want %v", c, want)
		}
	}

	// A number that another contact has costs the number, and a warning is kept.
	b.Exec(`INSERT INTO contacts (email, name, phone_number, brevo_processing_status) VALUES ('twin@example.com', 'Twin', '+1 555 0001', 'Queued')`)
	b.Await("Complete INVALID_VALUE t", `SELECT concat_ws(' ', brevo_processing_status, brevo_error_code, brevo_processing_error LIKE '%without SMS%') FROM contacts WHERE name = 'Twin'`)
}

func TestBrevo5WrongKeyThenRightKey(t *testing.T) {
	t.Parallel()
	b := withBrevo(t, brevosim.Options{})
	b.Exec(`INSERT INTO contacts (email, name, brevo_sync_status, brevo_processing_status)
		VALUES ('retry@example.com', 'Retry Test', 'Queued', 'Queued')`)
	wrong := b.Start(b.env("BREVO_API_KEY=xkeysib-wrong"), "run")
	failed := wrong.Wait("Brevo sync failed", 1)[0]
	if message, _ := failed["error"].(string); !strings.Contains(message, "401") {
		t.Errorf("logged error %q, want one with 401", message)
	}
	b.Await("Queued/Queued 1 UNAUTHORIZED t t brevo 0", `SELECT concat_ws(' ', brevo_sync_status || '/' || brevo_processing_status, brevo_retry_count,
		brevo_error_code, brevo_processing_error LIKE '%401%',
		brevo_next_retry_at BETWEEN now() + interval '4 min' AND now() + interval '6 min', last_failed_crm, retry_count) FROM contacts`)
	if code := wrong.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	b.Start(b.env(), "run")
	b.Await("Complete/Complete 1 t f", `SELECT concat_ws(' ', brevo_sync_status || '/' || brevo_processing_status, brevo_retry_count,
		brevo_contact_id IS NOT NULL, coalesce(brevo_processing_error, brevo_error_code) IS NOT NULL) FROM contacts`)
}

// Each attempt fails in the contact alone, whose budget it costs: others go through.
func TestBrevo5Delays(t *testing.T) {
	t.Parallel()
	b := withBrevo(t, brevosim.Options{})
	b.brevo.Inject(brevosim.Fault{Method: http.MethodPost, Holds: "poison@", Status: http.StatusInternalServerError})
	b.Exec(`INSERT INTO contacts (email, brevo_sync_status, brevo_processing_status) VALUES ('poison@example.org', 'Queued', 'Queued')`)
	b.queue(5)
	b.Start(b.env("BREVO_SYNC_RETRY_DELAY_MINUTES=500ms"), "run")
	b.Await("5", `SELECT count(*)::text FROM contacts WHERE brevo_processing_status = 'Complete'`)
	b.Await("Error/Error 3 SERVER_ERROR t", `SELECT concat_ws(' ', brevo_sync_status || '/' || brevo_processing_status, brevo_retry_count, brevo_error_code,
		brevo_processing_error LIKE 'Max retries exceeded (3). Last error: %') FROM contacts WHERE email LIKE 'poison%'`)
}

func TestBrevo6Batches(t *testing.T) {
	t.Parallel()
	b := withBrevo(t, brevosim.Options{})
	b.queue(25)
	p := b.Start(b.env(), "run")
	p.Wait("Finished Brevo sync scheduler cycle", 3)
	b.Await("25 Complete/Complete", brevoCounts)
	var sizes []string
	for _, r := range p.Saw("Starting Brevo sync scheduler cycle") {
		sizes = append(sizes, fmt.Sprint(r["contacts"]))
	}
	if got := strings.Join(sizes, " "); got != "10 10 5" {
		t.Errorf("cycles of %s, want 10 10 5", got)
	}
	b.wantEachOnce(25)
	if n := b.brevo.MostAtOnce(); n > 8 {
		t.Errorf("%d requests at the same time, want 8 at most", n)
	}
}

func TestBrevo7ThreeReplicas(t *testing.T) {
	t.Parallel()
	b := withBrevo(t, brevosim.Options{})
	for range 3 {
		b.Start(b.env(), "run").Wait("Brevo sync scheduler job registered successfully", 1)
	}
	b.queue(20)
	b.Await("20 Complete/Complete", brevoCounts)
	b.wantEachOnce(20)
	if n := b.Ask(`SELECT count(DISTINCT instance)::text FROM contactsync.cycles WHERE destination = 'brevo'`); n != "1" {
		t.Errorf("%s leaders worked, want one", n)
	}
}

// Brevo's limit of 10 a second is used, and costs no contact an attempt.
func TestBrevo8Performance(t *testing.T) {
	t.Parallel()
	b := withBrevo(t, brevosim.Options{Rate: 10, Latency: 50 * time.Millisecond})
	b.queue(60)
	began := time.Now()
	b.Start(b.env(), "run")
	b.Await("60 Complete/Complete", brevoCounts)
	requests := b.brevo.Received()
	refused := 0
	for _, r := range requests {
		if r.Status == http.StatusTooManyRequests {
			refused++ // on a busy machine requests arrive closer together than they left
		}
	}
	if got := b.Ask(`SELECT sum(brevo_retry_count)::text FROM contacts`); got != "0" {
		t.Errorf("%s attempts were spent", got)
	}
	first, last := requests[0].Time, requests[len(requests)-1].Time
	t.Logf("%d requests in %v (%.1f a second, %d refused), %v from the start of the program", len(requests), last.Sub(first),
		float64(len(requests)-1)/last.Sub(first).Seconds(), refused, time.Since(began))
	b.wantEachOnce(60)
}

// Two destinations in one program: what happens to one costs the other nothing.
func TestBrevoBesideHubSpot(t *testing.T) {
	t.Parallel()
	b := withBrevo(t, brevosim.Options{})
	queued := 0
	queueBoth := func(n int) {
		b.Exec(`INSERT INTO contacts (email, name, hubspot_processing_status, brevo_processing_status)
			SELECT 'c' || i || '@example.org', 'Name ' || i, 'Queued', 'Queued' FROM generate_series($1::int + 1, $1 + $2) i`, queued, n)
		queued += n
	}
	complete := func(name string) string {
		return "SELECT count(*)::text FROM contacts WHERE " + name + "_processing_status = 'Complete'"
	}
	quick := []string{
		"BREVO_SYNC_RETRY_DELAY_MINUTES=100ms", "BREVO_SYNC_RETRY_EXPONENTIAL=false", "BREVO_SYNC_MAX_RETRIES=100",
		"HUBSPOT_SYNC_RETRY_DELAY_MINUTES=100ms", "HUBSPOT_SYNC_RETRY_EXPONENTIAL=false", "HUBSPOT_SYNC_MAX_RETRIES=100",
	}
	p := b.Start(b.both(quick...), "run")
	queueBoth(12)
	b.Await("12", complete("hubspot"))
	b.Await("12", complete("brevo"))

	// Brevo refuses this server's address: it alone pauses, and says so.
	b.brevo.Inject(brevosim.Fault{Status: http.StatusUnauthorized, Body: `{"code":"unauthorized","message":"We have detected you are using an unrecognised IP address 203.0.113.7. Add it here: https://app.brevo.com/security/authorised_ips"}`})
	queueBoth(5)
	b.Await("17", complete("hubspot"))
	b.Await("brevo UNAUTHORIZED", `SELECT string_agg(concat_ws(' ', destination, pause_code), ', ') FROM contactsync.slots WHERE pause_code IS NOT NULL`)
	if log := strings.Join(p.Log(), "\n"); !strings.Contains(log, "The key is not to blame") {
		t.Error("the log does not say that the address is to blame")
	}
	if got := b.Ask(`SELECT count(hubspot_error_code) || ' ' || sum(retry_count) FROM contacts`); got != "0 0" {
		t.Errorf("HubSpot's columns tell of %s failures and attempts", got)
	}
	b.brevo.ClearFaults()

	// HubSpot fails, and Brevo goes on once its pause has ended.
	b.Sim.Inject(hubspotsim.Fault{Status: http.StatusServiceUnavailable})
	queueBoth(5)
	b.Exec(`UPDATE contacts SET brevo_processing_status = 'Queued' WHERE brevo_processing_status = 'Queued'`)
	b.AwaitFor(2*progtest.Patience, "22", complete("brevo"))
	if got := b.Ask(complete("hubspot")); got != "17" {
		t.Errorf("%s contacts are in HubSpot, which fails", got)
	}
	b.Sim.ClearFaults()
	b.Await("22", complete("hubspot"))
	out, _, _ := b.Command(b.both(), "doctor")
	for _, want := range []string{"Brevo", "for account Example", "the name goes to FIRSTNAME and LASTNAME"} {
		if !strings.Contains(out, want) {
			t.Errorf("doctor does not say %q:\n%s", want, out)
		}
	}
	if code := p.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// Another account gets nothing, and the SQL that is printed for it, run as it stands,
// has the contacts sent there.
func TestBrevoOtherAccount(t *testing.T) {
	t.Parallel()
	b := withBrevo(t, brevosim.Options{})
	b.Exec(`INSERT INTO contactsync.accounts (destination, account, who) VALUES ('brevo', 'of-somebody-else', 'the first one')`)
	b.queue(2)
	p := b.Start(b.env(), "run")
	const reason = `SELECT coalesce((SELECT pause_reason FROM contactsync.slots WHERE destination = 'brevo'), '')`
	b.Await("true", `SELECT ((`+reason+`) LIKE '%of-somebody-else%')::text`)
	_, remedy, found := strings.Cut(b.Ask(reason), "UPDATE contactsync.accounts")
	if !found {
		t.Fatalf("no SQL in %q", b.Ask(reason))
	}
	if n := len(b.brevo.Writes()); n != 0 {
		t.Errorf("%d contacts are written to another account", n)
	}
	b.Exec("UPDATE contactsync.accounts" + remedy)
	p.Signal(syscall.SIGTERM)
	p.End()
	b.Start(b.env(), "run")
	b.Await("2 Complete/Complete", brevoCounts)
}
