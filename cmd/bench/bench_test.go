package main

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
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
	contactsync := progtest.Binary(t)
	stdout, stderr, code := inProcess(t, map[string]string{"DATABASE_URL": in.URL},
		"latency", "--quick", "--rounds", "1", "--program", contactsync, "--json", results, "--plots", filepath.Join(folder, "plots"), "--markdown", page)
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
	if version, err := versionOf(t.Context(), contactsync); err != nil || report.Measurements[0].Version != version {
		t.Errorf("measured %q, want the version of the program, %q, %v", report.Measurements[0].Version, version, err)
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
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := in.StartProgram(self, []string{asProgram + "=yes", "PATH=" + os.Getenv("PATH"), "DATABASE_URL=" + in.URL},
		"idle", "--quick", "--program", progtest.Binary(t))
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
	_, stderr, code := inProcess(t, map[string]string{"DATABASE_URL": in.Worker}, "latency", "--quick", "--program", progtest.Binary(t))
	if code != 1 || !strings.Contains(stderr, "CREATEDB") || !strings.Contains(stderr, "--throwaway") {
		t.Errorf("exit code %d, want 1 and the remedy:\n%s", code, stderr)
	}
}

func TestArguments(t *testing.T) {
	t.Parallel()
	notIt, err := exec.LookPath("echo")
	if err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(t.TempDir(), "contactsync")
	tests := []struct {
		args           string
		env            map[string]string
		code           int
		stdout, stderr string // a part of it
	}{
		{"latncy", nil, 2, "", `no measurement "latncy"`},
		{"--rounds -1", nil, 2, "", "--rounds takes"},
		{"--nosuch", nil, 2, "", "Try `bench --help`."},
		{"latency --program x --profile .", nil, 2, "", "[profile program]"},
		{"latency --program " + missing, nil, 1, "", missing},
		{"latency --program " + notIt, nil, 1, "", notIt + " is not contactsync"},
		{"latency --profile .", map[string]string{"DATABASE_URL": "postgres://u:hunter2@h:p/d"}, 2, "", "DATABASE_URL: cannot be read"},
		{"--list", nil, 0, "writers", ""},
		{"--help", nil, 0, "--throwaway", ""},
		{"completion bash", nil, 0, "__start_bench", ""},
		{"__complete la", nil, 0, "latency\t", ""},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			t.Parallel()
			stdout, stderr, code := inProcess(t, tt.env, strings.Fields(tt.args)...)
			if code != tt.code || !strings.Contains(stdout, tt.stdout) || !strings.Contains(stderr, tt.stderr) || strings.Contains(stderr, "hunter2") {
				t.Errorf("exit code %d, want %d\nstdout %q\nstderr %q", code, tt.code, stdout, stderr)
			}
		})
	}
}

// TestExamples makes sure that the examples of the help text are ones that it takes.
func TestExamples(t *testing.T) {
	t.Parallel()
	for line := range strings.Lines(newCommand(&program{}).Example) {
		call, _, _ := strings.Cut(line, " #")
		words := strings.Fields(call)
		cmd := newCommand(&program{})
		if words[0] != cmd.Name() {
			t.Errorf("%q calls %q", line, words[0])
		}
		if err := cmd.ParseFlags(words[1:]); err != nil {
			t.Errorf("%q: %v", line, err)
		}
		if err := bench.Known(cmd.Flags().Args()); err != nil {
			t.Errorf("%q: %v", line, err)
		}
	}
}

// TestFindProgram looks beside the test binary, where there is none, and on PATH.
func TestFindProgram(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("PATH", folder)
	if path, err := findProgram(""); err == nil || !strings.Contains(err.Error(), "--program") {
		t.Errorf("found %q, %v", path, err)
	}
	want := filepath.Join(folder, product)
	if err := os.WriteFile(want, []byte("#!/bin/sh\n"), 0o700); err != nil { //nolint:gosec // it is to run
		t.Fatal(err)
	}
	if path, err := findProgram(""); err != nil || path != want {
		t.Errorf("found %q, %v, want %q", path, err, want)
	}
	t.Chdir(folder)
	if path, err := findProgram("./" + product); err != nil || !filepath.IsAbs(path) {
		t.Errorf("found %q, %v", path, err)
	}
}
