package faults

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// TestOutage lets HubSpot be down for long while a full queue waits: three
// batches at most spend an attempt on it, no contact ends in Error for it, and a
// minute after its end all are synced, although the end comes just after a try,
// when the next one is farthest away.
func TestOutage(t *testing.T) {
	t.Parallel()
	lasts := scaled(4*time.Second, 3*time.Minute)
	contacts := scaled(500, 5000)
	batch := contacts / 50
	outages := []struct {
		name  string
		fault hubspotsim.Fault
	}{
		{"503", hubspotsim.Fault{Status: http.StatusServiceUnavailable}},
		{"no answer", hubspotsim.Fault{Mode: hubspotsim.Hang}},
	}
	for _, outage := range outages {
		t.Run(outage.name, func(t *testing.T) {
			t.Parallel()
			in := progtest.Install(t)
			in.Sim.Inject(outage.fault)
			in.Queue(contacts)
			tries := make(chan hubspotsim.Request, 1000)
			in.Sim.OnRequest(func(r hubspotsim.Request) {
				if strings.HasSuffix(r.Path, "batch/upsert") {
					tries <- r
				}
			})
			began := time.Now()
			in.Start(in.Env(
				fmt.Sprintf("HUBSPOT_SYNC_SCHEDULER_BATCH_SIZE=%d", batch),
				// As half of an outage of ten minutes is to the default of five.
				"HUBSPOT_SYNC_RETRY_DELAY_MINUTES="+(lasts/2).String(),
				"HUBSPOT_TIMEOUT="+scaled("1s", "30s")), "run")
			in.AwaitFor(3*time.Minute, "1", `SELECT count(pause_code)::text FROM contactsync.slots`)
			failed := 0
			for time.Since(began) < lasts { // to the first try after that time
				select {
				case <-tries:
					failed++
				case <-time.After(lasts + 2*progtest.Patience):
					t.Fatal("HubSpot is not tried any more")
				}
			}
			in.Sim.ClearFaults()
			over := time.Now()
			in.AwaitFor(3*time.Minute, fmt.Sprintf("%d Complete/Complete", contacts), progtest.Counts)
			took := time.Since(over)
			if took > time.Minute {
				t.Errorf("all were synced %v after the end, want a minute at most", took)
			}
			t.Logf("%d contacts in batches of %d, HubSpot down for %v: %d requests meanwhile, %s attempts of %s batches spent, all synced %v after its end",
				contacts, batch, over.Sub(began).Round(100*time.Millisecond), failed,
				in.Ask(`SELECT count(*)::text FROM contactsync.failures`), in.Ask(`SELECT count(DISTINCT cycle)::text FROM contactsync.failures`),
				took.Round(100*time.Millisecond))
			if got := in.Ask(`SELECT count(DISTINCT cycle)::text FROM contactsync.failures`); got > "3" {
				t.Errorf("%s batches spent attempts, want three at most", got)
			}
			// Each contact spent one attempt, unless the machine was so slow that the first
			// batch was due again before the third one failed.
			dueAgain := in.Ask(`SELECT (max(started_at) > min(finished_at) + 0.9 * $1::float8 * interval '1 second')::text
				FROM contactsync.cycles WHERE id IN (SELECT cycle FROM contactsync.failures)`, (lasts / 2).Seconds())
			if got := in.Ask(`SELECT max(attempt)::text FROM contactsync.failures`); got != "1" && dueAgain == "false" {
				t.Errorf("a contact spent %s attempts, want 1", got)
			}
			if got := in.Ask(`SELECT count(*)::text FROM contacts WHERE retry_count > 1`); got != "0" && dueAgain == "false" {
				t.Errorf("%s contacts spent more than one attempt", got)
			}
			if n := len(in.Sim.Contacts()); n != contacts {
				t.Errorf("%d contacts in HubSpot, want %d", n, contacts)
			}
		})
	}
}
