package faults

import (
	"net/http"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// TestAnotherPortal has a replica take over whose key belongs to another portal than the
// contacts were synced to so far: it sends nothing until a person says that it may.
func TestAnotherPortal(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	other := hubspotsim.New(hubspotsim.Options{Token: progtest.GoodKey, PortalID: 999})
	api := progtest.ServeHubSpot(t, other, other)

	first := lead(in)
	awaitComplete(in, queue(in, "first"))
	if got := in.Ask(`SELECT account FROM contactsync.accounts WHERE destination = 'hubspot'`); got != "1234567" {
		t.Errorf("account %s is remembered, want the portal that was synced to", got)
	}
	follow(in, "HUBSPOT_API_BASE_URL="+api)
	first.Kill()
	second := queue(in, "second")
	in.Await("true", `SELECT coalesce(bool_or(pause_reason LIKE '%1234567%' AND pause_reason LIKE '%999%' AND pause_reason LIKE '%contactsync resume --account 999%'), false)::text FROM contactsync.slots`)
	if got := in.Ask(rowOf(second)); got != "Queued 0 - - no id -" {
		t.Errorf("the row is %q, want nothing spent", got)
	}
	if n := len(other.Writes()); n != 0 {
		t.Errorf("%d contacts were sent to the other portal", n)
	}
	if out := in.Must("status"); !strings.Contains(out, "resume --account 999") {
		t.Errorf("status does not say what to do:\n%s", out)
	}

	if out := in.Must("resume", "--account", "999"); !strings.Contains(out, "instead of 1234567") {
		t.Errorf("resume says %q", out)
	}
	awaitComplete(in, second)
	if n := len(other.Writes()); n != 1 {
		t.Errorf("%d contacts in the other portal, want 1", n)
	}
	if n := len(in.Sim.Writes()); n != 1 {
		t.Errorf("%d contacts in the first portal, want 1", n)
	}
}

// TestUnknownPortal has a key that may not read whose it is: it syncs all the same, and
// says so once.
func TestUnknownPortal(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	in.Sim.Inject(hubspotsim.Fault{Path: "account-info", Status: http.StatusForbidden})
	r := startReplica(in)
	r.Wait("leading", 1)
	for _, name := range []string{"one", "two", "three"} {
		awaitComplete(in, queue(in, name))
	}
	if n := len(r.Saw("account details not available: writing without knowing whose account it is")); n != 1 {
		t.Errorf("the log tells %d times that the account is not known, want once", n)
	}
	if n := in.Ask(`SELECT count(*)::text FROM contactsync.accounts`); n != "0" {
		t.Error("an account is remembered of which nothing is known")
	}
}
