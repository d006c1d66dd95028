package faults

import (
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// A repaired account: a property is missing, nothing is spent, and once it
// exists everything flows by itself. The probe's first wait is half a minute, so
// the program is restarted instead, but when measuring.
func TestMissingPropertySpendsNothing(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	in.Sim.RemoveProperty("scrapersky_page_id")
	in.Exec(`INSERT INTO contacts (email, page_id, hubspot_sync_status, hubspot_processing_status)
		SELECT 'c' || i || '@example.org', gen_random_uuid(), 'Queued', 'Queued' FROM generate_series(1, 3) i`)
	p := in.Start(in.Env(), "run")
	pause := p.Wait("HubSpot sync paused", 1)[0]
	if reason, _ := pause["reason"].(string); !strings.Contains(reason, "scrapersky_page_id") {
		t.Errorf("the pause says %q, want the property's name", reason)
	}
	in.Await("3 Queued/Queued", progtest.Counts)
	calm := watch(in, scaled(pauseIsSeen, pauseIsMeasured))
	calm.check(t)
	for _, property := range hubspotsim.ContactsyncProperties() {
		if property.Name == "scrapersky_page_id" {
			in.Sim.AddProperty(property)
		}
	}
	if !progtest.Measuring() {
		p.Stop()
		in.Start(in.Env(), "run")
	}
	in.Await("3 Complete/Complete", progtest.Counts)
	if n := in.Ask(`SELECT sum(retry_count)::text FROM contacts`); n != "0" {
		t.Errorf("%s attempts spent, want none", n)
	}
	t.Logf("paused: in %v %s; nothing spent", calm.lasted, calm)
}
