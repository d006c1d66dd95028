package app

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sethvargo/go-envconfig"

	"github.com/scrapersky/contactsync/internal/config"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// lines is a log that can be read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(data)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// load reads the settings of an installation's programs.
func load(in *progtest.Installation, settings ...string) config.Config {
	in.Helper()
	values := map[string]string{}
	for _, setting := range in.Env(settings...) {
		name, value, _ := strings.Cut(setting, "=")
		values[name] = value
	}
	cfg, err := config.Load(in.Context(), envconfig.MapLookuper(values))
	if err != nil {
		in.Fatal(err)
	}
	return cfg
}

// build makes the process for an installation.
func build(in *progtest.Installation, log io.Writer, settings ...string) *App {
	in.Helper()
	return buildWith(in, log, nil, settings...)
}

// buildWith makes a process that feeds other destinations than there are.
func buildWith(in *progtest.Installation, log io.Writer, list []adapter, settings ...string) *App {
	in.Helper()
	a, err := Build(in.Context(), load(in, settings...), Options{
		Version: "v0", Env: func(string) (string, bool) { return "", false },
		Log: slog.New(slog.NewTextHandler(log, nil)), destinations: list,
	})
	if err != nil {
		in.Fatal(err)
	}
	in.Cleanup(func() { a.Close(context.WithoutCancel(in.Context())) })
	return a
}

// An App does its whole work without a process of its own: it syncs, says what it
// is, and ends in order when it is asked to, its health checks last.
func TestRun(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	log := &lines{}
	a := build(in, log)
	if len(a.workers) != 1 {
		t.Fatalf("%d workers, want one for each destination", len(a.workers))
	}
	if got := a.state().Role; got != "follower" {
		t.Errorf("before it runs it is a %s", got)
	}
	asked, ended := make(chan os.Signal, 3), make(chan error, 1)
	go func() { ended <- a.Run(t.Context(), asked) }()
	in.Queue(25)
	in.Await("25 Complete/Complete", progtest.Counts)
	if got := a.state(); got.Role != "leader" || got.Reason != "leads slot 0" {
		t.Errorf("it leads, and is %+v", got)
	}
	asked <- syscall.SIGTERM
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(progtest.Patience):
		t.Fatal("it does not end")
	}
	var order []int
	for _, message := range []string{
		"Configuring HubSpot sync scheduler", "serving HTTP", "HubSpot sync scheduler job registered successfully",
		"msg=leading", "Contact synced successfully to HubSpot", "stopping: what is in flight is finished first", "stopped leading", "msg=stopped\n",
	} {
		at := strings.Index(log.String(), message)
		if at < 0 {
			t.Errorf("the log has no %q:\n%s", message, log)
		}
		order = append(order, at)
	}
	if !slices.IsSorted(order) {
		t.Errorf("not in this order: %v\n%s", order, log)
	}
	if got := in.Ask(`SELECT count(*)::text FROM contactsync.claims`); got != "0" {
		t.Errorf("%s claims left", got)
	}
}

// Without a key there is no worker, and nothing touches the database.
func TestRunDisabled(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	log := &lines{}
	a := build(in, log, "HUBSPOT_API_KEY=")
	if got := a.state().Role; len(a.workers) != 0 || got != "disabled" {
		t.Errorf("%d workers, and it is %s", len(a.workers), got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx, nil) }()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if n := a.backlog.Stat().TotalConns(); n != 0 {
		t.Errorf("%d connections", n)
	}
	if err := build(in, log, "HUBSPOT_API_KEY=").RunOnce(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "HUBSPOT_API_KEY") {
		t.Errorf("once: %v", err)
	}
}
