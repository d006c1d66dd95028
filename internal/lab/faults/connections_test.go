package faults

import (
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// connections tells how many connections each process has, most first.
const connections = `SELECT string_agg(n::text, ' ' ORDER BY n DESC) FROM (
	SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'contactsync/%' GROUP BY application_name) x`

// TestConnections counts what a leader and followers hold at rest, and when
// somebody asks whether they are ready: one more each.
func TestConnections(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	leader, follower := pair(in)
	third := follow(in)
	in.Await("2 1 1", connections) // the slot's and the listener's; a follower's
	rest := in.Ask(connections)
	for _, r := range []*replica{leader, follower, third} {
		address, _ := r.Wait("serving HTTP", 1)[0]["addr"].(string)
		out, errs, code := in.Command(in.Env("HTTP_ADDR="+address), "healthcheck")
		if code != 0 {
			t.Errorf("healthcheck: exit code %d\n%s%s", code, out, errs)
		}
		get(t, "http://"+address+"/readyz")
	}
	asked := in.Ask(connections)
	t.Logf("connections of a leader and two followers: %s; while asked whether they are ready: %s", rest, asked)
	if asked != "3 2 2" {
		t.Errorf("connections are %s, want at most 3 and 2", asked)
	}
	if strings.Contains(strings.Join(leader.Log(), ""), progtest.GoodKey) {
		t.Error("the key is in the log")
	}
}
