package faults

import (
	"fmt"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// After the database's trouble the loop goes on within its longest pause, 3 s.
// Asserted is it with room for a machine that is busy.
const goesOnWithin = 3 * time.Second

// refuse makes the database refuse what programs write to a table, where the
// condition is true, until the function it answers is called.
func refuse(in *progtest.Installation, table, operation, condition, code string) (mend func()) {
	in.Helper()
	in.Exec(fmt.Sprintf(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '%s'; END $$`, code))
	in.Exec(fmt.Sprintf(`CREATE TRIGGER refuse BEFORE %s ON %s FOR EACH ROW
		WHEN (current_setting('contactsync.worker', true) = 'on' AND (%s)) EXECUTE FUNCTION refuse()`, operation, table, condition))
	return func() {
		in.Helper()
		in.Exec(`DROP FUNCTION refuse() CASCADE`)
	}
}

// unharmed checks after a trouble of the database that it cost no contact
// anything: each was sent once, none has failed, none spent an attempt, and the log
// tells the beginning and the end.
func unharmed(in *progtest.Installation, contacts, troubles int, replicas ...*replica) {
	in.Helper()
	in.Await(fmt.Sprintf("%d Complete/Complete", contacts), progtest.Counts)
	in.Await("0", `SELECT count(*)::text FROM contactsync.claims`)
	in.WantEachOnce(contacts)
	if n := in.Ask(`SELECT count(*)::text FROM contactsync.failures`); n != "0" {
		in.Errorf("%s attempts have failed", n)
	}
	if n := in.Ask(`SELECT count(*)::text FROM contacts WHERE retry_count > 0 OR hubspot_error_code IS NOT NULL`); n != "0" {
		in.Errorf("%s contacts spent an attempt or have an error", n)
	}
	for _, r := range replicas {
		r.Wait("database recovered: contacts go on", troubles)
		for _, line := range []string{"database error: contacts wait until it accepts writes again", "database recovered: contacts go on"} {
			if n := len(r.Saw(line)); n != troubles {
				in.Errorf("%q was logged %d times, want %d:\n%s", line, n, troubles, r.Tail())
			}
		}
		for _, record := range r.Records() {
			if record["level"] == "ERROR" {
				in.Errorf("the log has an error: %v", record)
			}
		}
	}
}

// TestDatabaseRefusesWrites lets the disk be full while contacts are claimed,
// while they are settled, and while their claims are touched. The error is raised
// by a trigger with the server's own code for it. No contact is to blame, none is
// sent twice.
func TestDatabaseRefusesWrites(t *testing.T) {
	t.Parallel()
	const diskFull = "53100"
	lasts := scaled(4*time.Second, 30*time.Second)
	for _, test := range []struct {
		name, table, operation, condition string
		latency                           time.Duration // of HubSpot
		told                              int           // how often the trouble is
	}{
		{"claim", "contacts", "UPDATE", "NEW.hubspot_processing_status::text = 'Processing'", 0, 1},
		{"claims", "contactsync.claims", "INSERT", "true", 0, 1},
		{"settle", "contacts", "UPDATE", "NEW.hubspot_processing_status::text = 'Complete'", 0, 1},
		{"record of the cycle", "contactsync.cycles", "INSERT", "true", 0, 1},
		{"touch", "contactsync.claims", "UPDATE", "true", lasts + 8*time.Second, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			in := progtest.Install(t)
			if test.latency > 0 {
				in.Sim.Inject(hubspotsim.Fault{Path: "batch/upsert", Latency: test.latency, Times: 1})
			}
			leader := lead(in, "HUBSPOT_TIMEOUT=1m")
			mend := refuse(in, test.table, test.operation, test.condition, diskFull)
			in.Queue(25)
			if test.told > 0 {
				leader.Wait("database error: contacts wait until it accepts writes again", 1)
			} else {
				leader.Wait("claims of long cycles could not be refreshed; trying again", 1)
			}
			began := time.Now()
			wait(in, lasts)
			watched := watchQuiet(in, leader, began)
			mend()
			mended := time.Now()
			in.Await("25 Complete/Complete", progtest.Counts)
			after := time.Since(mended)
			t.Logf("refused for %v: %s; all synced %v after its end", lasts, watched, after.Round(time.Millisecond))
			if after > goesOnWithin+test.latency+busy {
				t.Errorf("all synced %v after the end, want %v", after, goesOnWithin)
			}
			unharmed(in, 25, test.told, leader)
		})
	}
}

// quiet is what a program did in a trouble of the database.
type quiet struct {
	lasted          time.Duration
	requests, lines int
}

func (q quiet) String() string {
	return fmt.Sprintf("%d requests since the start, %d lines of log meanwhile", q.requests, q.lines)
}

// watchQuiet counts since a moment, and checks that nothing runs hot.
func watchQuiet(in *progtest.Installation, r *replica, since time.Time) quiet {
	in.Helper()
	q := quiet{lasted: time.Since(since), requests: in.Sim.Stats().Requests, lines: linesBetween(in.TB, r.Process, since, time.Now())}
	const (
		requests = 4  // the account's checks at the start and before the first write, the batch in flight, another one that is tried after 10 s
		lines    = 15 // one for each contact of that batch
	)
	if q.requests > requests || q.lines > lines {
		in.Errorf("%s, want at most %d and %d:\n%s", q, requests, lines, r.Tail())
	}
	return q
}
