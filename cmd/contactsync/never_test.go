package main

import (
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// An app may set a time that never comes: everything that looks at the queue is well.
func TestATimeThatNeverComes(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	in.Exec(`INSERT INTO contacts (email, hubspot_processing_status, next_retry_at, hubspot_queued_at) VALUES ('a@example.org', 'Queued', 'infinity', 'infinity')`)
	in.Start(in.Env(), "run")
	in.AwaitAsleep()
	for _, args := range [][]string{{"status"}, {"status", "--json"}, {"doctor"}} {
		out, errs, code := in.Command(in.Env(), args...)
		if code != 0 || strings.Contains(out, "✗") {
			t.Errorf("%v exits with %d:\n%s%s", args, code, out, errs)
		}
	}
}
