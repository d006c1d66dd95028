package main

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// series are the values of a scrape by name and labels, as the text format writes
// them.
type series map[string]float64

// scrapeOf scrapes a process.
func scrapeOf(p *progtest.Process) series {
	p.Helper()
	addr, _ := p.Wait("serving HTTP", 1)[0]["addr"].(string)
	request, err := http.NewRequestWithContext(p.Context(), http.MethodGet, "http://"+addr+"/metrics", nil)
	if err != nil {
		p.Fatal(err)
	}
	res, err := new(http.Client).Do(request)
	if err != nil {
		p.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		p.Fatalf("a scrape: %s, %v", res.Status, err)
	}
	found := series{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "} ")
		if name+"}" == strings.TrimSpace(line) || value == "" {
			name, value, _ = strings.Cut(strings.TrimSpace(line), " ")
		} else {
			name += "}"
		}
		// The one destination that there is: tests name the other labels only.
		name = strings.Replace(name, `destination="hubspot",`, "", 1)
		name = strings.Replace(name, `,destination="hubspot"`, "", 1)
		name = strings.Replace(name, `{destination="hubspot"}`, "", 1)
		if n, err := strconv.ParseFloat(value, 64); err == nil {
			found[name] = n
		}
	}
	return found
}

// scrapeUntil scrapes until is says so.
func scrapeUntil(p *progtest.Process, what string, is func(series) bool) series {
	p.Helper()
	end := time.Now().Add(progtest.Patience)
	for {
		s := scrapeOf(p)
		if is(s) {
			return s
		}
		if time.Now().After(end) {
			p.Fatalf("no scrape with %s", what)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-p.Context().Done():
			p.Fatal(p.Context().Err())
		}
	}
}

func (s series) want(t *testing.T, name string, least, most float64) {
	t.Helper()
	if value, found := s[name]; !found || value < least || value > most {
		t.Errorf("%s is %v (%v), want %v to %v", name, value, found, least, most)
	}
}

// A leader and a follower tell what they did and how the queue stands, the
// follower also while nobody leads.
func TestMetricsOfABusyInstallation(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	in.Sim.Inject(hubspotsim.Fault{Header: map[string]string{ // what a portal says of its limits
		"X-HubSpot-RateLimit-Max": "100", "X-HubSpot-RateLimit-Remaining": "99",
		"X-HubSpot-RateLimit-Daily": "250000", "X-HubSpot-RateLimit-Daily-Remaining": "1234",
	}})
	leader := in.Start(in.Env("HUBSPOT_SYNC_SCHEDULER_BATCH_SIZE=10"), "run")
	leader.Wait("notifications arrive", 1)
	in.AwaitAsleep()
	follower := in.Start(in.Env(), "run")
	follower.Wait("waiting for a slot", 1)

	in.Queue(25) // one commit, one ring
	in.Await("25 Complete/Complete", progtest.Counts)
	in.Exec(`INSERT INTO contacts (email, hubspot_processing_status) VALUES ('not an address', 'Queued')`)
	in.Await("25 Complete/Complete, 1 Error/Error", progtest.Counts)
	in.Exec(`INSERT INTO contacts (email, hubspot_processing_status, next_retry_at) VALUES ('later@example.org', 'Queued', now() + interval '1 day')`)
	in.AwaitAsleep()

	s := scrapeOf(leader)
	s.want(t, "contactsync_leader", 1, 1)
	s.want(t, "contactsync_listener_proven", 1, 1)
	s.want(t, `contactsync_contacts_total{code="",outcome="synced"}`, 25, 25)
	s.want(t, `contactsync_contacts_total{code="INVALID_EMAIL",outcome="reject"}`, 1, 1)
	s.want(t, "contactsync_created_contacts_total", 25, 25)
	s.want(t, "contactsync_commit_to_synced_seconds_count", 25, 25)
	s.want(t, `contactsync_cycles_total{reason="wake"}`, 1, 2) // the second insert may have come before it slept
	s.want(t, `contactsync_cycles_total{reason="tick"}`, 0, 0)
	s.want(t, "contactsync_cycle_duration_seconds_count", 4, 4)
	s.want(t, "contactsync_wake_to_claim_seconds_count", 1, 2)
	s.want(t, "contactsync_notifications_total", 1, 4)
	s.want(t, "contactsync_heartbeat_round_trip_seconds_count", 1, 1000)
	s.want(t, `contactsync_requests_total{call="upsert",status="200"}`, 3, 3)
	s.want(t, `contactsync_request_duration_seconds_count{call="account"}`, 1, 2) // at the start, and before the first write where that has no answer yet
	s.want(t, `contactsync_rate_limit_requests{window="10s"}`, 100, 100)
	s.want(t, `contactsync_rate_left_requests{window="day"}`, 1234, 1234)
	s.want(t, `contactsync_paused{code="UNAUTHORIZED"}`, 0, 0)

	s = scrapeUntil(follower, "the whole queue", func(s series) bool { return s[`contactsync_queue_contacts{state="waiting"}`] == 1 })
	s.want(t, "contactsync_leader", 0, 0)
	s.want(t, "contactsync_led_slots", 1, 1)
	s.want(t, "contactsync_replicas", 2, 2)
	s.want(t, "contactsync_database_connections", 3, 8)
	s.want(t, "contactsync_database_up", 1, 1)
	s.want(t, `contactsync_queue_contacts{state="error"}`, 1, 1)
	s.want(t, `contactsync_queue_contacts{state="due"}`, 0, 0)
	s.want(t, "contactsync_queue_oldest_due_seconds", 0, 0)
}

// What goes wrong is told: a key that HubSpot refuses, a queue that grows old
// meanwhile, and rows that rang no bell.
func TestMetricsOfABrokenInstallation(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	in.Sim.Inject(hubspotsim.Fault{Path: "batch/upsert", Status: http.StatusUnauthorized, Times: 1})
	in.Sim.Inject(hubspotsim.Fault{Path: "account-info", Status: http.StatusUnauthorized})
	p := in.Start(in.Env("HUBSPOT_SYNC_SCHEDULER_INTERVAL_MINUTES=2s"), "run")
	p.Wait("notifications arrive", 1)
	in.AwaitAsleep()

	in.Queue(1)
	p.Wait("HubSpot sync paused", 1)
	in.Exec(`INSERT INTO contacts (email, hubspot_processing_status) VALUES ('waits@example.org', 'Queued')`)
	s := scrapeUntil(p, "a pause and an old contact", func(s series) bool {
		return s[`contactsync_paused{code="UNAUTHORIZED"}`] == 1 && s["contactsync_queue_oldest_due_seconds"] > 1
	})
	s.want(t, `contactsync_pauses_total{code="UNAUTHORIZED"}`, 1, 1)
	s.want(t, `contactsync_requests_total{call="upsert",status="401"}`, 1, 1)
	s.want(t, `contactsync_contacts_total{code="UNAUTHORIZED",outcome="retry"}`, 1, 1)
	s.want(t, `contactsync_queue_contacts{state="due"}`, 1, 1)

	in.Sim.ClearFaults()
	p.Wait("HubSpot sync goes on", 1)
	in.Await("2 Complete/Complete", progtest.Counts)
	in.AwaitAsleep()
	in.Exec(`SET session_replication_role = replica`) // no trigger fires
	in.Exec(`UPDATE contacts SET hubspot_processing_status = 'Queued'`)
	in.Await("2 Complete/Complete", progtest.Counts)
	s = scrapeOf(p)
	s.want(t, `contactsync_cycles_total{reason="tick"}`, 1, 1)
	s.want(t, `contactsync_claimed_contacts_total{reason="tick"}`, 2, 2)
	s.want(t, `contactsync_paused{code="UNAUTHORIZED"}`, 0, 0)
}

// A database that is gone fails no scrape, and its metrics are not those of
// yesterday.
func TestMetricsWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	p := in.Start(in.Env(), "run")
	p.Wait("leading", 1)
	scrapeOf(p).want(t, "contactsync_database_up", 1, 1)
	in.AsOwner().Exec(`REVOKE SELECT ON contactsync.replicas FROM ` + workerRole(in))
	s := scrapeUntil(p, "a failed look", func(s series) bool { return s["contactsync_database_up"] == 0 })
	s.want(t, "contactsync_leader", 1, 1)
	if value, found := s["contactsync_led_slots"]; found {
		t.Errorf("contactsync_led_slots is %v while the database cannot be read", value)
	}
	p.Wait("the metrics of the queue cannot be read from the database", 1)
}

// workerRole is the programs' role in the database.
func workerRole(in *progtest.Installation) string {
	in.Helper()
	return in.Ask(fmt.Sprintf(`SELECT quote_ident(grantee) FROM information_schema.role_table_grants
		WHERE table_schema = 'contactsync' AND table_name = '%s' AND privilege_type = 'INSERT' AND grantee <> current_user LIMIT 1`, "claims"))
}
