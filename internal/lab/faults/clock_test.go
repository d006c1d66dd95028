package faults

import (
	"math"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/lab/postgres"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// TestClocksDiffer sets the database's clock an hour off against the worker's,
// either way.
func TestClocksDiffer(t *testing.T) {
	t.Parallel()
	library := otherClock(t)
	for _, off := range []time.Duration{-time.Hour, time.Hour} {
		t.Run(off.String(), func(t *testing.T) {
			t.Parallel()
			in, _ := installWith(t, postgres.Options{Kind: postgres.Local, Env: []string{
				"LD_PRELOAD=" + library, "CLOCK_OFF=" + strconv.Itoa(int(off.Seconds())),
			}})
			seconds, err := strconv.ParseFloat(in.Ask(`SELECT extract(epoch FROM clock_timestamp())::text`), 64)
			if err != nil {
				t.Fatal(err)
			}
			is := time.Until(time.Unix(0, int64(seconds*1e9)))
			if math.Abs((is - off).Minutes()) > 1 {
				t.Fatalf("the database's clock is %v off, want %v", is, off)
			}
			keepsTime(t, in, "clock_timestamp()")
		})
	}
}

// otherClock is a library that gives a process another clock.
func otherClock(t *testing.T) string {
	t.Helper()
	compiler := needs.Program(t, needs.Compiler)
	// The server may run as another account, which has no way into t.TempDir.
	dir, err := os.MkdirTemp("", "contactsync-clock-") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	library := filepath.Join(dir, "clock.so")
	if out, err := exec.CommandContext(t.Context(), compiler, "-shared", "-fPIC", "-O2", "-o", library, "testdata/clock.c").CombinedOutput(); err != nil {
		t.Fatalf("compile testdata/clock.c: %v\n%s", err, out)
	}
	return library
}

// TestZones has the server and the worker in time zones where another day is
// than in UTC, with columns that have a zone and with columns that have none.
func TestZones(t *testing.T) {
	t.Parallel()
	server, worker := "Etc/GMT+12", "Etc/GMT+11" // behind UTC, for all the odd sign
	if time.Now().UTC().Hour() >= 12 {
		server, worker = "Etc/GMT-14", "Etc/GMT-13" // ahead
	}
	naive := []string{
		`CREATE TABLE contacts (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text, name text, phone_number text, domain_id uuid, page_id uuid,
			hubspot_synced_at timestamp, next_retry_at timestamp, last_retry_at timestamp,
			created_at timestamp DEFAULT (now() AT TIME ZONE 'UTC'), updated_at timestamp DEFAULT (now() AT TIME ZONE 'UTC'))`,
	}
	for _, test := range []struct {
		name, now string
		table     []string
	}{
		{"timestamptz", "clock_timestamp()", nil},
		{"timestamp", "(clock_timestamp() AT TIME ZONE 'UTC')", naive}, // README: taken for UTC
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			address := pgtest.Empty(t)
			pgtest.Exec(t, address, test.table...)
			u, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			pgtest.Exec(t, address, "ALTER DATABASE "+strings.TrimPrefix(u.Path, "/")+" SET timezone = '"+server+"'")
			pgtest.Migrate(t, address)
			in := progtest.InstallOn(t, address)
			if zone := in.Ask(`SHOW timezone`); zone != server {
				t.Fatalf("the server's zone is %s, want %s", zone, server)
			}
			keepsTime(t, in, test.now, "TZ="+worker)
		})
	}
}

// keepsTime checks all that has to do with time: when retries and scheduled
// contacts are sent, how long a quarantine lasts, what the bookkeeping and the
// log tell, and the date that HubSpot gets. now is the time in SQL as the columns
// of contacts have it.
func keepsTime(t *testing.T, in *progtest.Installation, now string, settings ...string) {
	t.Helper()
	const (
		delay      = 2 * time.Second
		timeout    = time.Second
		quarantine = 15*time.Second + timeout
		slack      = progtest.Patience // a slow machine, not an hour
	)
	env := in.Env(append(settings, "HUBSPOT_SYNC_RETRY_DELAY_MINUTES="+delay.String(), "HUBSPOT_TIMEOUT="+timeout.String())...)
	began := time.Now()
	p := in.Start(env, "run")
	p.Wait("notifications arrive", 1)
	between := func(what string, got, least time.Duration) {
		t.Helper()
		t.Logf("%s: %v", what, got.Round(time.Millisecond))
		if got < least || got > least+slack {
			t.Errorf("%s: %v, want %v and a moment", what, got, least)
		}
	}

	in.AwaitAsleep()
	in.Sim.Inject(hubspotsim.Fault{Path: "batch/upsert", Mode: hubspotsim.MissingResults, Times: 1})
	queued := time.Now()
	in.Exec(`INSERT INTO contacts (email, name, hubspot_processing_status) VALUES ('retry@example.org', 'Retry', 'Queued')`)
	in.Await("Complete 1", `SELECT concat_ws(' ', hubspot_processing_status, retry_count) FROM contacts WHERE email = 'retry@example.org'`)
	sent := sentAt(in, "retry@example.org")
	between("commit to the request", sent[0].Sub(queued), 0)
	between("a retry after 2 s, ±10 %", sent[1].Sub(sent[0]), delay*9/10)

	in.AwaitAsleep()
	queued = time.Now()
	in.Exec(`INSERT INTO contacts (email, name, hubspot_processing_status, next_retry_at) VALUES ('later@example.org', 'Later', 'Queued', ` + now + ` + interval '2 s')`)
	in.Await("Complete", `SELECT hubspot_processing_status::text FROM contacts WHERE email = 'later@example.org'`)
	between("a contact scheduled for 2 s later", sentAt(in, "later@example.org")[0].Sub(queued), 2*time.Second)

	hanging, letGo := holdFirst(in)
	in.Exec(`INSERT INTO contacts (email, name, hubspot_processing_status) VALUES ('inflight@example.org', 'In Flight', 'Queued')`)
	awaitRequest(t, hanging)
	first := time.Now()
	in.AwaitAsleep() // a claim that is under way at the end could take the next contact along
	p.Signal(syscall.SIGKILL)
	<-p.Exited
	letGo()
	p2 := in.Start(env, "run")
	in.Exec(`INSERT INTO contacts (email, name, hubspot_processing_status) VALUES ('beside@example.org', 'Beside', 'Queued')`)
	in.Await("Complete", `SELECT hubspot_processing_status::text FROM contacts WHERE email = 'beside@example.org'`)
	in.Await("Complete 1", `SELECT concat_ws(' ', hubspot_processing_status, retry_count) FROM contacts WHERE email = 'inflight@example.org'`)
	sent = sentAt(in, "inflight@example.org") // the killed program's request may count, too
	again := sent[len(sent)-1]
	between("sent again after the quarantine of 16 s", again.Sub(first), quarantine-time.Second)
	if beside := sentAt(in, "beside@example.org")[0]; !beside.Before(again) {
		t.Error("another contact waited for the quarantine")
	}

	from, to := began.UTC().Format(time.DateOnly), time.Now().UTC().Format(time.DateOnly)
	for _, w := range in.Sim.Writes() {
		if date := w.Properties["scrapersky_sync_date"]; date != from && date != to {
			t.Errorf("%s has the sync date %s, want %s", w.Email, date, to)
		}
	}
	for what, sql := range map[string]string{
		"synced_at":  `SELECT concat_ws(' ', min(hubspot_synced_at) > ` + now + ` - interval '5 min', max(hubspot_synced_at) <= ` + now + `) FROM contacts`,
		"updated_at": `SELECT concat_ws(' ', min(updated_at) > ` + now + ` - interval '5 min', max(updated_at) <= ` + now + `) FROM contacts`,
		"queued_at":  `SELECT concat_ws(' ', min(hubspot_queued_at) > clock_timestamp() - interval '5 min', max(hubspot_queued_at) <= clock_timestamp()) FROM contacts`,
		"failed":     `SELECT concat_ws(' ', min(last_retry_at) > ` + now + ` - interval '5 min', max(last_retry_at) <= ` + now + `) FROM contacts`,
		"cycles":     `SELECT concat_ws(' ', bool_and(finished_at - started_at BETWEEN '0 s' AND '1 min'), max(finished_at) <= clock_timestamp()) FROM contactsync.cycles`,
		"leaders":    `SELECT concat_ws(' ', min(since) > clock_timestamp() - interval '5 min', max(since) <= clock_timestamp()) FROM contactsync.slots`,
	} {
		if got := in.Ask(sql); got != "t t" {
			t.Errorf("%s: %s, want what is a moment ago by the database's clock", what, got)
		}
	}
	for _, line := range append(p.Saw("leading"), p2.Saw("leading")...) {
		if at := progtest.TimeOf(t, line); at.Before(began) || at.After(time.Now()) {
			t.Errorf("the log says %v, which is not the worker's clock", at)
		}
	}
}

// sentAt tells when a contact was written to HubSpot.
func sentAt(in *progtest.Installation, email string) []time.Time {
	var at []time.Time
	for _, w := range in.Sim.Writes() {
		if w.Email == email {
			at = append(at, w.Time)
		}
	}
	return at
}
