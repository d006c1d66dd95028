package faults

import (
	"fmt"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// TestAppQueuesOften has an app change and queue the same contacts again and
// again, each time as soon as the last version was sent or sooner: none is slowed
// down, and the newest version arrives at once and last.
func TestAppQueuesOften(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	in.Start(in.Env("HUBSPOT_RATE_LIMIT_PER_10S=1000"), "run")
	in.Exec(`INSERT INTO contacts (email) VALUES ('a@example.org')`)
	rounds := scaled(30, 300)
	var took []time.Duration
	for round := range rounds {
		name := fmt.Sprintf("V%d", round)
		began := time.Now()
		in.Exec(`UPDATE contacts SET name = $1, hubspot_processing_status = 'Queued'`, name)
		if round%3 > 0 { // every third time it does not wait for the end
			in.Await("Complete", `SELECT hubspot_processing_status::text FROM contacts`)
			took = append(took, time.Since(began))
			if c, _ := in.Sim.Contact("a@example.org"); c.Properties["firstname"] != name {
				t.Errorf("HubSpot has %s, want %s", c.Properties["firstname"], name)
			}
		}
	}
	in.Await("Complete 0", `SELECT concat_ws(' ', hubspot_processing_status, retry_count) FROM contacts`)
	if c, _ := in.Sim.Contact("a@example.org"); c.Properties["firstname"] != fmt.Sprintf("V%d", rounds-1) {
		t.Errorf("HubSpot has %s, want the last version", c.Properties["firstname"])
	}
	t.Logf("%d versions one after the other: UPDATE to Complete %s; %d upserts", rounds, spread(took), upserts(in))
}
