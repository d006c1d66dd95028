package main

import (
	"fmt"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// unsent inserts n contacts that nobody has queued, and some that a backfill must
// leave alone.
func unsent(in *progtest.Installation, n int) {
	in.Helper()
	in.Exec(`INSERT INTO contacts (email, name, updated_at) SELECT 'old' || i || '@example.org', 'Old ' || i, now() - interval '1 year' FROM generate_series(1, $1::int) i`, n)
	in.Exec(`INSERT INTO contacts (email, hubspot_sync_status) VALUES (NULL, 'New'), ('  ', 'New'), ('skipped@example.org', 'Skipped')`)
}

// A backfill sends every contact once, but those without an email and those that a
// person has skipped. It is interrupted and goes on where it was.
func TestBackfill(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	unsent(in, 300)
	in.Start(in.Env("HUBSPOT_SYNC_SCHEDULER_BATCH_SIZE=100", "HUBSPOT_RATE_LIMIT_PER_10S=1000"), "run").Wait("leading", 1)
	first := in.Start(in.Env(), "queue", "--all", "--rate", "100/s", "--page", "10")
	in.Await("true", `SELECT (count(*) >= 50)::text FROM contacts WHERE hubspot_processing_status = 'Complete'`)
	if code := first.Stop(); code != 1 {
		t.Errorf("interrupted with exit code %d", code)
	}
	goOn := regexp.MustCompile(`contactsync (queue --all --rate 100/s --after [-0-9a-f]{36})`).FindStringSubmatch(strings.Join(first.Log(), "\n"))
	if goOn == nil {
		t.Fatalf("the interrupted run does not say how to go on:\n%s", first.Tail())
	}
	if done := in.Ask(`SELECT count(*)::text FROM contacts WHERE hubspot_processing_status IS NOT NULL`); done == "300" {
		t.Fatal("the test is void: nothing was left to do")
	}
	out := in.Must(append(strings.Fields(goOn[1]), "--json")...)
	in.Await("300", `SELECT count(*)::text FROM contacts WHERE hubspot_processing_status = 'Complete'`)
	in.WantEachOnce(300)
	in.Await("3", `SELECT count(*)::text FROM contacts WHERE hubspot_processing_status IS NULL`)
	if !strings.Contains(out, `"after"`) {
		t.Errorf("the result is %s", out)
	}

	// What cannot be meant.
	for _, args := range []string{"--all --rate fast", "--all --rate 0/s", "--all --rate 1/d", "--all --rate NaN", "--all --page 0", "--all --after x", "--rate 1/s --status New", "--all a@example.org"} {
		if _, errs, code := in.Command(in.Env(), append([]string{"queue"}, strings.Fields(args)...)...); code != 2 {
			t.Errorf("queue %s: exit code %d\n%s", args, code, errs)
		}
	}
}

// No faster than --rate allows, from the first contact on; what waits for a time
// of its own goes on waiting, and is counted.
func TestBackfillKeepsItsRate(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	unsent(in, 60)
	in.Exec(`INSERT INTO contacts (email, hubspot_processing_status, next_retry_at) SELECT 'later' || i || '@example.org', 'Queued', now() + interval '1 hour' FROM generate_series(1, 2) i`)
	in.Start(in.Env("HUBSPOT_SYNC_SCHEDULER_BATCH_SIZE=100"), "run").Wait("leading", 1)
	began := time.Now()
	out := in.Must("queue", "--all", "--rate", "30/s", "--page", "10")
	if took := time.Since(began); took < 1900*time.Millisecond {
		t.Errorf("60 contacts at 30/s were queued within %v", took)
	}
	if out != "60 contacts queued; 2 contacts were queued already and left alone\n" {
		t.Errorf("the result is %s", out)
	}
	if n := in.Ask(`SELECT count(*)::text FROM contacts WHERE hubspot_processing_status = 'Queued' AND next_retry_at > now()`); n != "2" {
		t.Errorf("%s contacts wait for their time, want 2", n)
	}
}

// What an app queues during a backfill waits for one page at most, although its
// rows are the youngest by far and the backfill has hundreds left.
func TestAnAppsRowsGoFirst(t *testing.T) {
	t.Parallel()
	const old, page, batch, rows = 1000, 40, 10, 5
	in := progtest.Install(t)
	in.Sim.Inject(hubspotsim.Fault{Path: "batch/upsert", Latency: 20 * time.Millisecond})
	unsent(in, old)
	in.Start(in.Env("HUBSPOT_RATE_LIMIT_PER_10S=1000"), "run").Wait("leading", 1)
	fill := in.Start(in.Env(), "queue", "--all", "--page", fmt.Sprint(page))
	for i := range rows {
		in.Await("true", fmt.Sprintf(`SELECT (count(*) >= %d)::text FROM contacts WHERE hubspot_processing_status = 'Complete' AND email LIKE 'old%%'`, (i+1)*100))
		before := len(in.Sim.Writes())
		in.Exec(`INSERT INTO contacts (email, hubspot_processing_status) VALUES ('app' || $1::text || '@example.org', 'Queued')`, fmt.Sprint(i))
		in.Await("Complete", fmt.Sprintf(`SELECT hubspot_processing_status::text FROM contacts WHERE email = 'app%d@example.org'`, i))
		ahead := 0
		for _, w := range in.Sim.Writes()[before:] {
			if w.Email == fmt.Sprintf("app%d@example.org", i) {
				break
			}
			ahead++
		}
		// Another page may have come between the count and the insert.
		if ahead > 2*page+batch {
			t.Errorf("%d contacts of the backfill went before an app's, want one page of %d at most", ahead, page)
		}
		t.Logf("%d contacts of the backfill went before an app's", ahead)
	}
	if left := in.Ask(`SELECT count(*)::text FROM contacts WHERE hubspot_processing_status IS NULL AND email LIKE 'old%'`); left == "0" {
		t.Error("the test is void: the backfill was over")
	}
	fill.Signal(syscall.SIGINT)
	fill.End()
}
