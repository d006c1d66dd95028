package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
	"github.com/scrapersky/contactsync/internal/ops"
)

// Every process is listed with what it does, and gone after its orderly end; one
// that was killed is not listed as a leader.
func TestReplicasAreListed(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	limited := hubspotsim.New(hubspotsim.Options{Token: progtest.GoodKey, RatePer10s: 100, DailyLimit: 1000})
	in.API = progtest.ServeHubSpot(t, limited, limited)
	first := in.Start(in.Env(), "run")
	in.AwaitAsleep()
	second, third := in.Start(in.Env(), "run"), in.Start(in.Env(), "run")
	const roles = `SELECT string_agg(role, ' ' ORDER BY role) FROM contactsync.replicas`
	in.Await("follower follower leader", roles)
	in.Queue(1)
	in.Await("1 Complete/Complete", progtest.Counts)
	in.Await("true", `SELECT (listener AND rate_left < rate_max AND daily_left < daily_max AND rate_at > now() - interval '1 min')::text
		FROM contactsync.replicas WHERE role = 'leader'`)

	status := func() (v view) {
		t.Helper()
		if err := json.Unmarshal([]byte(in.Must("status", "--json")), &v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	leads := func() (name string) {
		t.Helper()
		for _, r := range status().Replicas {
			if r.Role == ops.RoleLeader {
				name += r.Instance
			}
		}
		return name
	}
	if !first.Is(leads()) {
		t.Errorf("%s leads, want process %d", leads(), first.Cmd.Process.Pid)
	}
	if out := in.Must("status"); strings.Count(out, "waits to lead") != 2 || !strings.Contains(out, "leader of slot 0") {
		t.Errorf("status:\n%s", out)
	}

	if code := third.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	in.Await("follower leader", roles)
	first.Kill()
	second.Wait("leading", 1)
	in.Await("leader leader", roles)
	if v := status(); len(v.Replicas) != 2 || !second.Is(v.Replicas[0].Instance) || v.Replicas[0].Role != ops.RoleLeader ||
		!first.Is(v.Replicas[1].Instance) || v.Replicas[1].Role != ops.RoleGone {
		t.Errorf("after a kill: %+v", v.Replicas)
	}
	if code := second.Stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	in.Await("1", `SELECT count(*)::text FROM contactsync.replicas`)
}

// What is said of the time from queued to HubSpot is less than what the app saw,
// and more than nothing.
func TestLatencyIsTold(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	in.Start(in.Env(), "run")
	in.Exec(`INSERT INTO contacts (email, name, updated_at) SELECT i || '@example.org', 'Name', now() - interval '1 day' FROM generate_series(1, 12) i`)
	in.AwaitAsleep()
	began := time.Now()
	in.Exec(`UPDATE contacts SET hubspot_processing_status = 'Queued'`)
	in.Await("12 Complete/Complete", progtest.Counts)
	most := time.Since(began).Seconds()
	if got := in.Ask(`SELECT concat_ws(' ', sum(n), min(cardinality(latency))) FROM contactsync.cycles, unnest(latency) n`); got != fmt.Sprint("12 ", len(contact.LatencyBounds())+1) {
		t.Errorf("counted %s", got)
	}
	var v view
	if err := json.Unmarshal([]byte(in.Must("status", "--json")), &v); err != nil {
		t.Fatal(err)
	}
	bound := contact.LatencyBounds()[len(contact.LatencyBounds())-1]
	for _, b := range contact.LatencyBounds() {
		if b >= most {
			bound = b
			break
		}
	}
	if l := v.Latency; l.P50 == nil || *l.P50 <= 0 || *l.P99 > bound {
		t.Errorf("latency %+v, want above 0 and at most %v s: the app waited %v s", l, bound, most)
	}
}
