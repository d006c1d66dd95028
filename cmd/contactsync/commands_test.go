package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

func TestQueueCommand(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	in.Exec(`INSERT INTO contacts (id, email, hubspot_sync_status)
		SELECT ('00000000-0000-0000-0000-' || lpad(i::text, 12, '0'))::uuid, 'C' || i || '@Example.org', CASE WHEN i > 10 THEN 'Selected' ELSE 'New' END
		  FROM generate_series(1, 2510) i`)
	queued := func() string {
		return in.Ask(`SELECT count(*)::text FROM contacts WHERE hubspot_processing_status = 'Queued'`)
	}

	in.Must("queue", "00000000-0000-0000-0000-000000000001", " c2@example.ORG ")
	if n := queued(); n != "2" {
		t.Errorf("%s queued by id and email, want 2", n)
	}
	file := filepath.Join(t.TempDir(), "contacts.txt")
	if err := os.WriteFile(file, []byte("\uFEFFc3@example.org\r\n\n# a comment\n00000000-0000-0000-0000-000000000004\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	in.Must("queue", "--file", file)
	if n := queued(); n != "4" {
		t.Errorf("%s queued with a file, want 4", n)
	}
	out, errs, code := in.CommandIn(in.Env(), "c5@example.org\nnobody@example.org\n00000000-0000-0000-0000-00000000ffff\n", "queue", "--file", "-")
	if code != 1 || !strings.Contains(out, "1 contact queued") || !strings.Contains(errs, "nobody@example.org") || !strings.Contains(errs, "00000000ffff") {
		t.Errorf("exit code %d with two unknown contacts, want 1 and their names:\n%s%s", code, out, errs)
	}
	if out := in.Must("queue", "--status", "Selected"); !strings.Contains(out, "2500 contacts queued") {
		t.Errorf("queue --status said %q", out)
	}
	if n := queued(); n != "2505" {
		t.Errorf("%s queued in the end, want 2505", n)
	}
	for _, args := range [][]string{{"queue"}, {"queue", "a@example.org", "--status", "New"}} {
		if _, errs, code := in.Command(in.Env(), args...); code != 2 || !strings.Contains(errs, "--help") {
			t.Errorf("%v: exit code %d, want 2 and a hint:\n%s", args, code, errs)
		}
	}
	if _, errs, code := in.CommandIn(in.Env(), "\xff\xfe\n", "queue", "--file", "-"); code != 1 || !strings.Contains(errs, "line 1") {
		t.Errorf("exit code %d for a line that is no text, want 1 and its number:\n%s", code, errs)
	}
}

func TestRetryCommand(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	in.Exec(`INSERT INTO contacts (email, hubspot_processing_status, hubspot_sync_status, hubspot_error_code, hubspot_processing_error, retry_count)
		SELECT 'c' || i || '@example.org', 'Error', 'Error', CASE WHEN i <= 3 THEN 'INVALID_EMAIL' ELSE 'TIMEOUT' END, 'x', 3 FROM generate_series(1, 10) i`)
	in.Exec(`INSERT INTO contacts (email, hubspot_processing_status) VALUES ('fine@example.org', 'Complete')`)
	queued := func() string {
		return in.Ask(`SELECT count(*)::text FROM contacts WHERE hubspot_processing_status = 'Queued' AND retry_count = 0 AND hubspot_error_code IS NULL`)
	}
	if out := in.Must("retry", "--all", "--dry-run"); !strings.Contains(out, "10 contacts would be queued") || queued() != "0" {
		t.Errorf("retry --all --dry-run: %q, %s queued", out, queued())
	}
	in.Must("retry", "--code", "invalid_email")
	if n := queued(); n != "3" {
		t.Errorf("%s queued by code, want 3", n)
	}
	in.Must("retry", "c4@example.org")
	if n := queued(); n != "4" {
		t.Errorf("%s queued with one by name, want 4", n)
	}
	const alone = `1 contact is not in Error, or does not exist: "Fine@example.org"`
	if _, errs, code := in.Command(in.Env(), "retry", "Fine@example.org"); code != 1 || !strings.Contains(errs, alone) {
		t.Errorf("exit code %d for a contact that is fine, want 1 and %q:\n%s", code, alone, errs)
	}
	out, errs, code := in.Command(in.Env(), "retry", "--all", "--json", "--as", "bob")
	if code != 0 || out != `{
  "action": "retry",
  "contacts": 6,
  "left_alone": []
}
` {
		t.Errorf("retry --json: exit code %d\n%s%s", code, out, errs)
	}
	if n := queued(); n != "10" {
		t.Errorf("%s queued in the end, want 10", n)
	}
	if got := in.Ask(`SELECT string_agg(concat_ws(' ', action, detail, rows, contact_id IS NOT NULL), ', ' ORDER BY id) FROM contactsync.actions`); got != "retry INVALID_EMAIL 3 f, retry  1 t, retry all 6 f" {
		t.Errorf("recorded %s", got)
	}
	if who := in.Ask(`SELECT who || ' ' || via FROM contactsync.actions ORDER BY id DESC LIMIT 1`); who != "bob terminal" {
		t.Errorf("recorded as done by %s", who)
	}
	if _, errs, code := in.Command(in.Env(), "retry", "--code", "NONSENSE"); code != 2 || !strings.Contains(errs, "INVALID_EMAIL") {
		t.Errorf("exit code %d for an unknown code, want 2 and the list:\n%s", code, errs)
	}
}

func TestSyncCommand(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	in.Exec(`INSERT INTO contacts (email, name, hubspot_processing_status) VALUES
		('good@example.org', 'Good One', 'Complete'), ('bad', 'Bad One', NULL), ('later@example.org', 'Later', 'Queued')`)
	out, errs, code := in.Command(in.Env(), "sync", "good@example.org", "bad")
	if code != 1 {
		t.Errorf("exit code %d with one bad contact, want 1", code)
	}
	for _, want := range []string{"created as HubSpot contact", "INVALID_EMAIL", "the contact is in Error"} {
		if !strings.Contains(out, want) {
			t.Errorf("output does not say %q:\n%s%s", want, out, errs)
		}
	}
	if got := in.Ask(`SELECT string_agg(hubspot_processing_status::text, ' ' ORDER BY name) FROM contacts`); got != "Error Complete Queued" {
		t.Errorf("contacts are %s", got)
	}
	if n := in.Ask(`SELECT count(*)::text FROM contactsync.claims`); n != "0" {
		t.Errorf("%s claims left", n)
	}
	out, errs, code = in.Command(in.Env(), "sync", "nobody@example.org", "good@example.org")
	if code != 1 || !strings.Contains(out, "nobody@example.org") || !strings.Contains(out, "updated as HubSpot contact") {
		t.Errorf("exit code %d for a known and an unknown contact, want 1, the one synced and the other named:\n%s%s", code, out, errs)
	}
	_, errs, code = in.Command(in.Env("HUBSPOT_API_KEY="), "sync", "good@example.org")
	if code != 2 || !strings.Contains(errs, "HUBSPOT_API_KEY") {
		t.Errorf("exit code %d without a key, want 2 and its name:\n%s", code, errs)
	}
	out, _, code = in.Command(in.Env("HUBSPOT_API_KEY=pat-eu1-wrong"), "sync", "later@example.org")
	if code != 1 || !strings.Contains(out, "UNAUTHORIZED") {
		t.Errorf("exit code %d with a wrong key, want 1 and the reason:\n%s", code, out)
	}
}

func TestStatusSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	says := func(want string) {
		t.Helper()
		if out := in.Must("status"); !strings.Contains(out, want) {
			t.Errorf("status does not say %q:\n%s", want, out)
		}
	}
	says("Nobody leads")
	p := in.Start(in.Env(), "run")
	in.AwaitAsleep()
	says("Healthy")
	in.Sim.SetToken("another")
	in.Queue(1)
	p.Wait("HubSpot sync paused", 1)
	in.Await("UNAUTHORIZED", `SELECT pause_code FROM contactsync.slots`)
	says("Paused: HubSpot says the key is wrong")
	says("HUBSPOT_API_KEY")
	in.Exec(`UPDATE contacts SET hubspot_processing_status = 'Error', hubspot_error_code = 'OTHER'`)
	in.Sim.SetToken(progtest.GoodKey)
	p.Stop()
	in.Start(in.Env(), "run")
	in.AwaitAsleep()
	says("1 contact is in Error")
}

func TestOnce(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	in.Queue(25)
	if _, errs, code := in.Command(in.Env(), "run", "--once"); code != 0 {
		t.Errorf("exit code %d:\n%s", code, errs)
	}
	in.WantEachOnce(25)

	// What failed for a wrong key is done in the first round with the right one.
	in.Exec(`INSERT INTO contacts (email, hubspot_processing_status) VALUES ('a@example.org', 'Queued'), ('b@example.org', 'Queued')`)
	if _, _, code := in.Command(in.Env("HUBSPOT_API_KEY=pat-eu1-wrong"), "run", "--once"); code != 1 {
		t.Errorf("exit code %d with a wrong key, want 1", code)
	}
	if _, errs, code := in.Command(in.Env(), "run", "--once"); code != 0 {
		t.Errorf("exit code %d:\n%s", code, errs)
	}
	in.Await("27", `SELECT count(*)::text FROM contacts WHERE hubspot_processing_status = 'Complete'`)

	if out := in.Must("status", "--hours", "1"); !strings.Contains(out, "last hour ") {
		t.Errorf("status --hours 1:\n%s", out)
	}
	in.Start(in.Env(), "run")
	in.AwaitAsleep()
	if _, errs, code := in.Command(in.Env(), "run", "--once"); code != 1 || !strings.Contains(errs, "another process leads") {
		t.Errorf("exit code %d beside a leader, want 1 and the reason:\n%s", code, errs)
	}
}

// Where nobody can lead, nobody is said to.
func TestOnceOnAReadOnlyDatabase(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	in.Exec(`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$`)
	id := in.Ask(`SELECT gen_random_uuid()::text`)
	for _, args := range [][]string{{"run", "--once"}, {"sync", id}} {
		if _, errs, code := in.Command(in.Env(), args...); code != 1 || !strings.Contains(errs, "contactsync: the database takes no writes") {
			t.Errorf("%v: exit code %d, want 1 and the reason:\n%s", args, code, errs)
		}
	}
}

// A second leader's slot: both work, nobody works twice.
func TestTwoInstances(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	in.Sim.Inject(hubspotsim.Fault{Path: "batch/upsert", Latency: 20e6})
	env := in.Env("HUBSPOT_SYNC_SCHEDULER_MAX_INSTANCES=2", "HUBSPOT_RATE_LIMIT_PER_10S=1000")
	for range 2 {
		in.Start(env, "run")
	}
	in.Await("2", `SELECT count(*)::text FROM contactsync.slots`)
	in.Queue(300)
	in.Await("300 Complete/Complete", progtest.Counts)
	in.WantEachOnce(300)
	if n := in.Ask(`SELECT count(DISTINCT instance)::text FROM contactsync.cycles`); n != "2" {
		t.Errorf("%s instances worked, want 2", n)
	}
}

// What sync leaves in the queue is for the leader, at once: the tick is an hour
// away and sync's own writes do not ring.
func TestSyncWakesTheLeader(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	env := in.Env("HUBSPOT_TIMEOUT=5m")                  // nor would the leader look for a dead claim before
	in.Start(env, "run").Wait("notifications arrive", 1) // until then it looks every second
	in.AwaitAsleep()
	in.Exec(`INSERT INTO contacts (email, name) VALUES ('again@example.org', 'First Version')`)
	in.Sim.Inject(hubspotsim.Fault{Path: "batch/upsert", Latency: 300 * time.Millisecond, Times: 1})
	arrived := make(chan struct{}, 10)
	in.Sim.OnArrival(func(r hubspotsim.Request) {
		if strings.HasSuffix(r.Path, "batch/upsert") {
			arrived <- struct{}{}
		}
	})
	done := make(chan int)
	go func() {
		_, _, code := in.Command(env, "sync", "again@example.org")
		done <- code
	}()
	select {
	case <-arrived:
	case <-time.After(progtest.Patience):
		t.Fatal("sync sent nothing")
	}
	in.Exec(`UPDATE contacts SET name = 'Second Version', hubspot_processing_status = 'Queued'`)
	if code := <-done; code != 0 {
		t.Errorf("sync: exit code %d", code)
	}
	in.Await("Complete", `SELECT hubspot_processing_status::text FROM contacts`)
	if c, _ := in.Sim.Contact("again@example.org"); c.Properties["firstname"] != "Second" {
		t.Errorf("HubSpot has the %s version, want the second", c.Properties["firstname"])
	}
}

func TestSyncNamesItsTroubles(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	in.AsOwner().Must("migrate", "down", "--all")
	_, errs, code := in.Command(in.Env(), "sync", "nobody@example.org")
	if code != 1 || !strings.Contains(errs, "contactsync migrate up") {
		t.Errorf("exit code %d on a database that is not migrated, want 1 and the remedy:\n%s", code, errs)
	}
}

// The demo plays to its end on whatever Postgres there is, and leaves nothing.
func TestDemo(t *testing.T) {
	t.Parallel()
	in := &progtest.Installation{TB: t}
	out, errs, code := in.Command([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, "demo", "--for", "4s")
	if code != 0 {
		t.Fatalf("exit code %d:\n%s%s", code, out, errs)
	}
	for _, want := range []string{"leads", "a batch of 10 arrived", "a batch of 5 arrived", "kill -9", "took over", "Summary", "in HubSpot"} {
		if !strings.Contains(out, want) {
			t.Errorf("the demo does not say %q:\n%s", want, out)
		}
	}
	started := regexp.MustCompile(`process (\d+)`).FindAllStringSubmatch(out, -1)
	if len(started) != 3 {
		t.Fatalf("%d replicas started, want 3:\n%s", len(started), out)
	}
	for _, p := range started {
		pid, err := strconv.Atoi(p[1])
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, 0); err == nil {
			t.Errorf("replica %d still runs after the demo", pid)
		}
	}
}
