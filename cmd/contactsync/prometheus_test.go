package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// scraper is a real Prometheus that scrapes installations every second.
type scraper struct {
	*progtest.Installation

	addr string
}

// watchWithPrometheus starts it on the processes given, with the alerts.
func watchWithPrometheus(in *progtest.Installation, of ...*progtest.Process) *scraper {
	in.Helper()
	program := needs.Program(in, needs.Prometheus)
	rules, err := filepath.Abs("../../deploy/prometheus/alerts.yml")
	if err != nil {
		in.Fatal(err)
	}
	var targets []string
	for _, p := range of {
		addr, _ := p.Wait("serving HTTP", 1)[0]["addr"].(string)
		targets = append(targets, addr)
	}
	list, err := json.Marshal(targets)
	if err != nil {
		in.Fatal(err)
	}
	dir := in.TempDir()
	config := fmt.Sprintf("global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [%q]\n"+
		"scrape_configs:\n  - {job_name: contactsync, static_configs: [{targets: %s}]}\n", rules, list)
	if err := os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(config), 0o600); err != nil {
		in.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		in.Fatal(err)
	}
	addr := free.Addr().String()
	_ = free.Close()
	cmd := exec.CommandContext(in.Context(), program, "--config.file="+filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+addr)
	if err := cmd.Start(); err != nil {
		in.Fatal(err)
	}
	in.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return &scraper{Installation: in, addr: addr}
}

// ask answers the value of a query, false when there is none.
func (p *scraper) ask(query string) (float64, bool) {
	p.Helper()
	request, err := http.NewRequestWithContext(p.Context(), http.MethodGet, "http://"+p.addr+"/api/v1/query?query="+url.QueryEscape(query), nil)
	if err != nil {
		p.Fatal(err)
	}
	res, err := new(http.Client).Do(request)
	if err != nil {
		return 0, false // it has not begun to listen
	}
	defer res.Body.Close()
	var answer struct {
		Data struct {
			Result []struct {
				Value [2]any
			}
		}
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || len(answer.Data.Result) == 0 {
		return 0, false
	}
	text, _ := answer.Data.Result[0].Value[1].(string)
	value, err := strconv.ParseFloat(text, 64)
	return value, err == nil
}

// await asks until the value is within the bounds, and logs it.
func (p *scraper) await(query string, least, most float64) {
	p.Helper()
	end := time.Now().Add(progtest.Patience)
	for {
		value, found := p.ask(query)
		if found && value >= least && value <= most {
			p.Logf("%s = %v", query, value)
			return
		}
		if time.Now().After(end) {
			p.Fatalf("%s = %v (%v), want %v to %v", query, value, found, least, most)
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-p.Context().Done():
			p.Fatal(p.Context().Err())
		}
	}
}

// A real Prometheus tells a busy installation from a broken one.
func TestPrometheusTellsBusyFromBroken(t *testing.T) {
	t.Parallel()
	busy, broken := progtest.Install(t), progtest.Install(t)
	replicas := []*progtest.Process{busy.Start(busy.Env("HUBSPOT_RATE_LIMIT_PER_10S=1000"), "run"), busy.Start(busy.Env("HUBSPOT_RATE_LIMIT_PER_10S=1000"), "run")}
	broken.Sim.Inject(hubspotsim.Fault{Status: http.StatusUnauthorized})
	alone := broken.Start(broken.Env(), "run")
	well, ill := watchWithPrometheus(busy, replicas...), watchWithPrometheus(broken, alone)

	busy.Queue(500)
	broken.Queue(50)
	busy.Await("500 Complete/Complete", progtest.Counts)
	well.await(`sum(contactsync_leader)`, 1, 1)
	well.await(`max(contactsync_replicas)`, 2, 2)
	well.await(`sum(contactsync_contacts_total{outcome="synced"})`, 500, 500)
	well.await(`sum(contactsync_commit_to_synced_seconds_count)`, 500, 500)
	well.await(`sum(contactsync_requests_total{call="upsert",status="200"})`, 50, 50)
	well.await(`max(contactsync_queue_oldest_due_seconds)`, 0, 0)
	well.await(`count(ALERTS{alertname!~"ContactsyncNoSpareReplica|ContactsyncSlow|ContactsyncListenerDeaf"}) or vector(0)`, 0, 0)

	ill.await(`max(contactsync_queue_contacts{state="due"})`, 40, 40) // the first batch waits for a retry
	ill.await(`max(contactsync_paused{code="UNAUTHORIZED"})`, 1, 1)
	ill.await(`sum(contactsync_requests_total{call="upsert",status="401"})`, 1, 1)
	ill.await(`count(ALERTS{alertname="ContactsyncKeyRefused"})`, 1, 1)
	ill.await(`max(contactsync_queue_oldest_due_seconds)`, 5, 600)
}
