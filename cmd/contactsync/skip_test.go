package main

import (
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

func TestSkipCommand(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	in.Exec(`INSERT INTO contacts (email, hubspot_sync_status, hubspot_processing_status) VALUES
		('failed@example.org', 'Error', 'Error'), ('queued@example.org', 'Queued', 'Queued'), ('done@example.org', 'Complete', 'Complete')`)
	if out := in.Must("skip", "failed@example.org"); out != "1 contact skipped\n" {
		t.Errorf("skip says %q", out)
	}
	out, errs, code := in.Command(in.Env(), "skip", "queued@example.org", " Done@Example.org", "nobody@example.org", "--json")
	if code != 1 || !strings.Contains(out, `"contacts": 1`) || !strings.Contains(out, "nobody@example.org") || !strings.Contains(out, `"Done@Example.org"`) || !strings.Contains(errs, "2 contacts are Complete, or do not exist") {
		t.Errorf("exit code %d, want 1 and the two that were left alone:\n%s%s", code, out, errs)
	}
	in.Await("1 Complete/Complete, 2 Skipped", progtest.Counts)
	in.Must("run", "--once")
	if n := len(in.Sim.Writes()); n != 0 {
		t.Errorf("%d contacts were sent", n)
	}
	if got := in.Ask(`SELECT string_agg(action || ' ' || rows, ', ') FROM contactsync.actions`); got != "skip 1, skip 1" {
		t.Errorf("recorded %s", got)
	}
}
