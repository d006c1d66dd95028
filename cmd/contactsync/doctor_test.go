package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

func TestDoctor(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	in.Start(in.Env(), "run")
	in.AwaitAsleep()
	out := in.Must("doctor")
	for _, want := range []string{
		"Database\n✓ ok           reachable ", "\nHubSpot\n✓ ok           key ", "leads slot 0", "heard after", "33 checks:", " 0 failed, 0 not checked",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("doctor does not say %q:\n%s", want, out)
		}
	}
	if strings.Contains(out, "\x1b[") || strings.Contains(out, progtest.GoodKey) {
		t.Errorf("colours or the key in a pipe:\n%s", out)
	}
	if n := len(in.Sim.Writes()); n != 0 {
		t.Errorf("doctor wrote %d contacts", n)
	}

	in.Exec(`DROP TRIGGER zz_contactsync_requeue_named ON contacts`)
	in.Sim.RemoveProperty("scrapersky_page_id")
	out, errs, code := in.Command(in.Env(), "doctor")
	if code != 1 || !strings.Contains(errs, "2 of 33 checks failed") {
		t.Errorf("exit code %d, want 1:\n%s", code, errs)
	}
	for _, want := range []string{
		"✗ failed       triggers ", "zz_contactsync_requeue_named", "→ run `contactsync migrate up`",
		"✗ failed       property scrapersky_page_id", "→ run `contactsync setup`", "2 failed",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("doctor does not say %q:\n%s", want, out)
		}
	}
	// The schema is its owner's.
	if out, errs, code := in.Command(in.Env("DATABASE_URL="+in.URL), "migrate", "up"); code != 0 {
		t.Fatalf("migrate up: exit code %d:\n%s%s", code, out, errs)
	}
	in.Must("setup")
	in.Must("doctor")
}

func TestDoctorForScripts(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	out, _, code := in.Command(in.Env("HUBSPOT_API_KEY="), "doctor", "--json")
	var sheet struct {
		OK     bool
		Failed int
		Checks []struct{ Area, Name, Status, Found, Remedy string }
	}
	if err := json.Unmarshal([]byte(out), &sheet); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	if last := sheet.Checks[len(sheet.Checks)-1]; code != 1 || sheet.OK || sheet.Failed != 1 || last.Status != "failed" ||
		last.Name != "key" || !strings.Contains(last.Remedy, "HUBSPOT_API_KEY") {
		t.Errorf("exit code %d without a key, want 1 and that as the reason:\n%s", code, out)
	}

	// Nothing can be reached, and all of it is said.
	out, _, code = in.Command(in.Env("DATABASE_URL=postgres://u:hunter2@127.0.0.1:1/d", "HUBSPOT_API_BASE_URL=http://127.0.0.1:1"), "doctor")
	if code != 1 || !strings.Contains(out, "2 failed") || !strings.Contains(out, "connection refused") ||
		!strings.Contains(out, "cannot reach HubSpot") || strings.Contains(out, "hunter2") {
		t.Errorf("exit code %d, want 1 and both failures with remedies, without the password:\n%s", code, out)
	}
}

func TestVersionFlag(t *testing.T) {
	t.Parallel()
	flag, errs, code := inProcess(t, nil, "--version")
	command, _, _ := inProcess(t, nil, "version")
	if code != 0 || errs != "" || flag != command || !strings.HasPrefix(flag, "contactsync ") {
		t.Errorf("exit code %d: %q, want what the command version says: %q", code, flag, command)
	}
}
