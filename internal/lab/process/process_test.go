package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// program writes a program that stands for a replica: it says what it is told to.
func program(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700); err != nil { //nolint:gosec // it is to run
		t.Fatal(err)
	}
	return path
}

func TestReplicaIsFollowed(t *testing.T) {
	t.Parallel()
	var told []string
	p, err := Start(Options{
		Program: program(t, `echo "no log" >&2; echo "{\"time\":\"2026-01-02T03:04:05.678Z\",\"msg\":\"leading\",\"x\":\"$X\"}" >&2; exec sleep 600`),
		Env:     []string{"X=given"}, Tell: func(r Record) { told = append(told, r.Msg()) },
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.Wait(t.Context(), Leading)
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC); !r.Time().Equal(want) || r["x"] != "given" {
		t.Errorf("record %v at %v, want X at %v", r, r.Time(), want)
	}
	if err := p.Kill(t.Context()); err != nil {
		t.Error("killed, and yet:", err)
	}
	if strings.Join(told, " ") != "leading" {
		t.Errorf("told %q", told)
	}
	if _, err := p.Wait(t.Context(), Claimed); err == nil || !strings.Contains(err.Error(), "leading") {
		t.Errorf("waited for what never came: %v", err)
	}
	if err := p.Terminate(); err != nil {
		t.Error("asked one that is gone to stop:", err)
	}
}

func TestFailureOfAReplicaIsTold(t *testing.T) {
	t.Parallel()
	p, err := Start(Options{Program: program(t, `echo "the last words" >&2; exit 3`)})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.End(t.Context()); err == nil || !strings.Contains(err.Error(), "the last words") {
		t.Errorf("ended with %v", err)
	}
}

func TestLogGoesToAFile(t *testing.T) {
	t.Parallel()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p, err := Start(Options{Program: program(t, `echo "into the file" >&2`), LogFile: log})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.End(t.Context()); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(log.Name()); err != nil || string(text) != "into the file\n" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestReplicaWithinThisProcess(t *testing.T) {
	t.Parallel()
	within := func(ctx context.Context, env []string, log io.Writer) error {
		fmt.Fprintf(log, "{\"msg\":%q}\n", env[0])
		<-ctx.Done()
		return errors.New("ended")
	}
	p, err := Start(Options{Within: within, Env: []string{Leading}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Wait(t.Context(), Leading); err != nil || p.Pid() != os.Getpid() {
		t.Error(p.Pid(), err)
	}
	if err := p.Terminate(); err != nil {
		t.Fatal(err)
	}
	if err := p.End(t.Context()); err == nil {
		t.Error("its failure is not told")
	}
}
