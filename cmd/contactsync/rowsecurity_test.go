package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
	"github.com/scrapersky/contactsync/internal/ops"
)

// Row security is on and the worker's role has no policy: everybody says so, nobody says
// that all is well, and what is printed lets the contact through.
func TestRowSecurityIsSaid(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	role, worker := pgtest.Role(t, in.URL)
	in.AsOwner().Must("migrate", "grant", role)
	in.Worker = worker
	in.Exec("ALTER TABLE contacts ENABLE ROW LEVEL SECURITY")
	in.Queue(1)
	said := "row security hides every row of public.contacts from role " + role
	policy := "ON public.contacts FOR UPDATE TO \"" + role + "\" USING (true) WITH CHECK (true);"

	for _, args := range []string{"run --once", "queue c1@example.org", "retry --all", "skip c1@example.org", "sync c1@example.org"} {
		out, errs, code := in.Command(in.Env(), strings.Fields(args)...)
		if code != 1 || !strings.Contains(errs, said) || !strings.Contains(errs, policy) {
			t.Errorf("%s: exit code %d, want 1, what is hidden and the policy:\n%s%s", args, code, out, errs)
		}
	}
	if out, errs, code := in.Command(in.Env(), "plan"); code != 1 || !strings.Contains(errs, said) {
		t.Errorf("plan: exit code %d, want 1 and what is hidden:\n%s%s", code, out, errs)
	}

	p := in.Start(in.Env(), "run")
	p.Wait("leading", 1)
	p.Wait("row security hides contacts: what is queued there is not sent", 1)
	for name, url := range map[string]string{"the worker": worker, "the owner": in.URL} {
		env := in.Env("DATABASE_URL=" + url)
		if out, _, code := in.Command(env, "status"); code != 0 || !strings.Contains(out, "Row security hides every row of public.contacts from role "+role) || !strings.Contains(out, policy) {
			t.Errorf("status for %s: exit code %d\n%s", name, code, out)
		}
		var seen struct {
			Level       ops.Level
			RowSecurity []struct {
				Role, Table string
				EveryRow    bool `json:"every_row"`
				SQL         []string
			} `json:"row_security"`
		}
		out, _, _ := in.Command(env, "status", "--json")
		if err := json.Unmarshal([]byte(out), &seen); err != nil {
			t.Fatal(err)
		}
		if seen.Level != ops.Trouble || len(seen.RowSecurity) != 1 || seen.RowSecurity[0].Role != role || !seen.RowSecurity[0].EveryRow || len(seen.RowSecurity[0].SQL) == 0 {
			t.Errorf("status --json for %s: %+v", name, seen)
		}
		if out, _, code := in.Command(env, "doctor"); code != 1 || !strings.Contains(out, said) || !strings.Contains(out, policy) {
			t.Errorf("doctor for %s: exit code %d\n%s", name, code, out)
		}
	}

	out, errs, code := in.AsOwner().Command(in.AsOwner().Env(), "migrate", "grant", role)
	if code != 1 || !strings.Contains(out, said) || !strings.Contains(out, policy) || !strings.Contains(out, "--policies") {
		t.Errorf("grant without a policy: exit code %d\n%s%s", code, out, errs)
	}
	if n := in.Ask("SELECT count(*)::text FROM pg_policy"); n != "0" {
		t.Errorf("%s policies were made unasked", n)
	}
	if out := in.AsOwner().Must("migrate", "grant", "--policies", role); !strings.Contains(out, policy) || !strings.Contains(out, "may do a worker's job") {
		t.Errorf("grant --policies says\n%s", out)
	}
	in.Await("1 Complete/Complete", progtest.Counts)
	p.Wait("row security hides nothing any more", 1)
	if out := in.Must("status"); !strings.Contains(out, "Healthy: everything") {
		t.Errorf("status:\n%s", out)
	}
	if n := strings.Count(strings.Join(p.Log(), "\n"), "row security hides contacts"); n != 1 {
		t.Errorf("the log says it %d times, want once", n)
	}
}

// Policies that let a part through are somebody's decision: all goes on, and nothing is
// called healthy.
func TestRowSecurityOfAPart(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	role, worker := pgtest.Role(t, in.URL)
	in.Exec("ALTER TABLE contacts ENABLE ROW LEVEL SECURITY")
	in.Exec("CREATE POLICY mine ON contacts USING (email <> 'c2@example.org')")
	if out := in.AsOwner().Must("migrate", "grant", role); !strings.Contains(out, "row security may hide rows of public.contacts") {
		t.Errorf("grant says\n%s", out)
	}
	in.Worker = worker
	p := in.Start(in.Env(), "run")
	p.Wait("leading", 1)
	p.Wait("row security may hide contacts: what is queued there is not sent", 1)
	in.Queue(2)
	in.Await("1 Complete/Complete, 1 Queued/Queued", progtest.Counts)
	if out := in.Must("status"); !strings.Contains(out, "As far as can be seen the queue is empty. Row security may hide rows of public.contacts from role "+role) {
		t.Errorf("status:\n%s", out)
	}
	if out, _, _ := in.Command(in.Env("DATABASE_URL="+in.URL), "status"); strings.Contains(out, "Healthy") || !strings.Contains(out, "Row security may hide rows") {
		t.Errorf("status for the owner:\n%s", out)
	}
}

// Against a restrictive policy --policies does nothing, and says what people can do.
func TestGrantLeavesRestrictivePolicies(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	role, _ := pgtest.Role(t, in.URL)
	in.Exec("ALTER TABLE contacts ENABLE ROW LEVEL SECURITY")
	in.Exec("CREATE POLICY p ON contacts USING (true)")
	in.Exec("CREATE POLICY r ON contacts AS RESTRICTIVE USING (email <> 'c2@example.org')")
	out := in.AsOwner().Must("migrate", "grant", "--policies", role)
	if !strings.Contains(out, "--policies leaves it alone") || !strings.Contains(out, "BYPASSRLS reaches beyond this table") || strings.Contains(out, "CREATE POLICY") {
		t.Errorf("grant --policies says\n%s", out)
	}
	if got := in.Ask("SELECT rolbypassrls::text FROM pg_roles WHERE rolname = '" + role + "'"); got != "false" {
		t.Errorf("the role bypasses row security: %s", got)
	}
}
