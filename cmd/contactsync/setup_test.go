package main

import (
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

func TestSetup(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	env := in.Env("DATABASE_URL=") // it takes no database
	says := func(code int, parts []string, args ...string) {
		t.Helper()
		out, errs, got := in.Command(env, args...)
		if got != code {
			t.Errorf("%v: exit code %d, want %d", args, got, code)
		}
		for _, part := range parts {
			if !strings.Contains(out+errs, part) {
				t.Errorf("%v does not say %q:\n%s%s", args, part, out, errs)
			}
		}
	}
	in.Sim.RemoveProperty("scrapersky_page_id")
	says(0, []string{"✓ exists        property scrapersky_domain_id (string)", "+ would create  property scrapersky_page_id (string)", "1 would be created; nothing was changed"},
		"setup", "--dry-run")
	says(0, []string{"+ created       property scrapersky_page_id (string)", "✓ exists        property scrapersky_sync_date (date)"}, "setup")
	says(0, []string{"Nothing is missing."}, "setup")

	in.Sim.AddProperty(hubspotsim.Property{Name: "scrapersky_page_id", Type: "number"})
	says(1, []string{"✗ does not fit  property scrapersky_page_id (number): it is of type number, but string is wanted", "1 property does not fit"}, "setup")

	in.Sim.RemoveProperty("scrapersky_page_id")
	in.Sim.Inject(hubspotsim.Fault{Method: "POST", Status: 403})
	says(1, []string{"create property scrapersky_page_id", "lacks the scope crm.schemas.contacts.write"}, "setup")
	env = append(env, "HUBSPOT_API_KEY=")
	says(2, []string{"HUBSPOT_API_KEY"}, "setup")
}
