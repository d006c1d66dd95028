package faults

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// statementLimit is when the server cuts a leader's statement.
const statementLimit = 6 * time.Second

// TestStatementTimeout has the server cut the claim and the settle, because an app
// has locked a table of ours for longer than a statement may take. The limit of the
// role, which is far shorter here, is not the program's.
func TestStatementTimeout(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		table    string
		inFlight bool // lock it while HubSpot has the request
	}{{"claim", "contactsync.claims", false}, {"settle", "contactsync.cycles", true}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			in := progtest.Install(t)
			in.Exec(fmt.Sprintf(`DO $$ BEGIN EXECUTE format('ALTER DATABASE %%I SET statement_timeout = %d', current_database()); END $$`, 500))
			leader := lead(in)
			if !test.inFlight {
				release := lockTable(in, test.table)
				in.Queue(10)
				wait(in, statementLimit/2) // longer than the role's limit
				leader.Wait("database error: contacts wait until it accepts writes again", 1)
				release()
			} else {
				in.Sim.Inject(hubspotsim.Fault{Path: "batch/upsert", Latency: time.Second, Times: 1})
				in.Queue(10)
				leader.Wait("Starting HubSpot sync scheduler cycle", 1)
				release := lockTable(in, test.table)
				leader.Wait("database error: contacts wait until it accepts writes again", 1)
				release()
			}
			released := time.Now()
			in.Await("10 Complete/Complete", progtest.Counts)
			t.Logf("all synced %v after the lock was given up", time.Since(released).Round(time.Millisecond))
			unharmed(in, 10, 1, leader)
			if n := len(leader.Saw("leading")); n != 1 {
				t.Errorf("it led %d times, want once", n)
			}
			told := fmt.Sprint(leader.Saw("database error: contacts wait until it accepts writes again")[0]["error"])
			if !strings.Contains(told, "57014") {
				t.Errorf("the trouble is %s, want a cut statement", told)
			}
		})
	}
}

// lockTable keeps everybody from writing to a table until the function it answers
// is called.
func lockTable(in *progtest.Installation, table string) (release func()) {
	in.Helper()
	app := in.Connect()
	for _, sql := range []string{`SET statement_timeout = 0`, `BEGIN`, `LOCK TABLE ` + table + ` IN SHARE ROW EXCLUSIVE MODE`} {
		if _, err := app.Exec(in.Context(), sql); err != nil {
			in.Fatal(err)
		}
	}
	return func() {
		in.Helper()
		if _, err := app.Exec(in.Context(), `COMMIT`); err != nil {
			in.Fatal(err)
		}
	}
}

// TestDeadlock lets an app's own trigger bring the claim into a deadlock with the
// app, of which the claim is the victim: the app counts changes in a row of another
// table, which it holds when it wants the contact that the claim has.
func TestDeadlock(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	in.Exec(`CREATE TABLE tally (n int NOT NULL);
		INSERT INTO tally VALUES (0);
		CREATE FUNCTION keep_count() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS 'BEGIN UPDATE tally SET n = n + 1; RETURN NULL; END';
		CREATE TRIGGER count AFTER UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION keep_count()`)
	leader := lead(in)
	slot, _ := leader.sessions(in)
	app := in.Connect()
	exec := func(sql string) {
		t.Helper()
		if _, err := app.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec(`BEGIN`)
	exec(`SET LOCAL deadlock_timeout = '30s'`) // the claim is to be the one that looks for deadlocks
	exec(`UPDATE tally SET n = n + 1`)
	in.Queue(10)
	in.Await("Lock", `SELECT coalesce(wait_event_type, '') FROM pg_stat_activity WHERE pid = `+slot)
	exec(`UPDATE contacts SET name = 'Newer'`)
	exec(`COMMIT`)
	committed := time.Now()
	in.Await("10 Complete/Complete", progtest.Counts)
	t.Logf("all synced %v after the app's commit", time.Since(committed).Round(time.Millisecond))
	unharmed(in, 10, 1, leader)
	told := fmt.Sprint(leader.Saw("database error: contacts wait until it accepts writes again")[0]["error"])
	if !strings.Contains(told, "40P01") {
		t.Errorf("the trouble is %s, want a deadlock", told)
	}
	for _, c := range in.Sim.Contacts() {
		if c.Properties["firstname"] != "Newer" {
			t.Errorf("%s is %q at HubSpot, want the app's last word", c.Email, c.Properties["firstname"])
		}
	}
}

// TestStopsInTrouble stops a leader whose settle is refused for as long as it may
// take, and starts one while the database takes nothing: neither hangs, and neither
// fills the log.
func TestStopsInTrouble(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	leader := lead(in, "SHUTDOWN_TIMEOUT=6s", "HUBSPOT_TIMEOUT=1s")
	mend := refuse(in, "contacts", "UPDATE", "NEW.hubspot_processing_status::text = 'Complete'", "53100")
	in.Queue(5)
	leader.Wait("database error: contacts wait until it accepts writes again", 1)
	asked := time.Now()
	leader.Signal(syscall.SIGTERM)
	if code := leader.End(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	if took := time.Since(asked); took > 6*time.Second+busy {
		t.Errorf("ended after %v", took)
	}
	mend()
	mend = refuse(in, "contactsync.slots", "INSERT OR UPDATE", "true", "53100")
	next := startReplica(in, "HUBSPOT_TIMEOUT=1s")
	next.Wait("database error: contacts wait until it accepts writes again", 1)
	began := time.Now()
	wait(in, scaled(4*time.Second, 30*time.Second))
	t.Logf("a leader that cannot take office: %s", watchQuiet(in, next, began))
	mend()
	mended := time.Now()
	next.Wait("database recovered: contacts go on", 1)
	if took := time.Since(mended); took > goesOnWithin+busy {
		t.Errorf("it took office %v after the end", took)
	}
	in.Await("5 Complete/Complete", progtest.Counts)
}
