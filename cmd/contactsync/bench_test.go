package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/bench"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// leftByBench counts what a run of bench left on the server.
const leftByBench = `SELECT count(*)::text FROM pg_database WHERE starts_with(datname, 'contactsync_bench_') AND datname <> current_database()`

// TestBench makes the smallest measurement on a server where an installation is at
// work: it must not notice. Nothing is asserted about times. It is not parallel,
// because databases are counted.
func TestBench(t *testing.T) { //nolint:paralleltest // see above
	in := progtest.Install(t)
	in.Queue(3)
	replica := in.Start(in.Env(), "run")
	in.Await("3", `SELECT count(*)::text FROM contacts WHERE hubspot_processing_status = 'Complete'`)
	folder := t.TempDir()
	results, page := filepath.Join(folder, "results.json"), filepath.Join(folder, "bench.md")
	stdout, stderr, code := in.Command([]string{"PATH=" + os.Getenv("PATH"), "DATABASE_URL=" + in.URL},
		"bench", "latency", "--quick", "--rounds", "1", "--json", results, "--plots", filepath.Join(folder, "plots"), "--markdown", page)
	if code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	text, err := os.ReadFile(results)
	if err != nil {
		t.Fatal(err)
	}
	var report bench.Report
	if err := json.Unmarshal(text, &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Measurements) != 1 || report.Measurements[0].Name != "latency" || report.Measurements[0].Error != "" || !report.Measurements[0].Quick {
		t.Fatalf("measurements %+v", report.Measurements)
	}
	if report.Postgres.Throwaway || report.Postgres.Version == "" || report.Machine.Cores == 0 {
		t.Errorf("taken on %+v, %+v", report.Machine, report.Postgres)
	}
	figures := map[string]int{}
	for _, f := range report.Measurements[0].Figures {
		figures[f.Case]++
		if len(f.Values) != 1 || f.Min > f.Median || f.Median > f.Max || f.Aim != nil {
			t.Errorf("figure %+v", f)
		}
	}
	if want := map[string]int{"contactsync": 6, "contactsync, one after the other": 6}; !maps.Equal(figures, want) {
		t.Errorf("figures of %v, want %v", figures, want)
	}
	for file, want := range map[string]string{page: "plots/latency.svg", filepath.Join(folder, "plots", "latency.svg"): "</svg>"} {
		if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: no %q, %v", file, want, err)
		}
	}
	if !strings.Contains(stdout, "commit → request, median") || !strings.Contains(stderr, "round 1 of 1") {
		t.Errorf("stdout %q\nstderr %q", stdout, stderr)
	}
	if n := in.Ask(leftByBench); n != "0" {
		t.Errorf("%s databases are left", n)
	}
	if got := in.Ask(progtest.Counts); got != "3 Complete/Complete" {
		t.Errorf("the installation beside it has %s", got)
	}
	if n := len(replica.Saw("leading")); n != 1 {
		t.Errorf("the leader beside it led %d times", n)
	}
	in.WantEachOnce(3)
}

// TestBenchIsInterrupted presses Ctrl-C in the middle of a measurement.
func TestBenchIsInterrupted(t *testing.T) { //nolint:paralleltest // databases are counted
	in := progtest.Install(t)
	p := in.Start([]string{"PATH=" + os.Getenv("PATH"), "DATABASE_URL=" + in.URL}, "bench", "idle", "--quick")
	in.Await("true", `SELECT (count(*) >= 2)::text FROM pg_database WHERE starts_with(datname, 'contactsync_bench_')`)
	p.Signal(syscall.SIGINT)
	if code := p.End(); code != 1 {
		t.Errorf("exit code %d, want 1:\n%s", code, p.Tail())
	}
	if n := in.Ask(leftByBench); n != "0" {
		t.Errorf("%s databases are left", n)
	}
	in.Await("0", `SELECT count(*)::text FROM pg_stat_activity WHERE starts_with(datname, 'contactsync_bench_')`)
}

func TestBenchNeedsADatabaseOfItsOwn(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	_, stderr, code := in.Command([]string{"DATABASE_URL=" + in.Worker}, "bench", "latency", "--quick")
	if code != 1 || !strings.Contains(stderr, "CREATEDB") || !strings.Contains(stderr, "--throwaway") {
		t.Errorf("exit code %d, want 1 and the remedy:\n%s", code, stderr)
	}
	for _, args := range [][]string{{"bench", "latncy"}, {"bench", "--rounds", "-1"}} {
		if _, stderr, code := inProcess(t, nil, args...); code != 2 {
			t.Errorf("%v: exit code %d, want 2:\n%s", args, code, stderr)
		}
	}
	stdout, _, code := inProcess(t, nil, "bench", "--list")
	if code != 0 || !strings.Contains(stdout, "writers") {
		t.Errorf("exit code %d, list %q", code, stdout)
	}
}
