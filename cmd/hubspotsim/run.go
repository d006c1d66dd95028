package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/lmittmann/tint"
	"golang.org/x/term"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

// The exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

const (
	healthTimeout = 3 * time.Second
	stopTimeout   = 5 * time.Second
)

// run serves until ctx ends and returns the exit code.
func run(ctx context.Context, args []string, lookup func(string) (string, bool), stderr io.Writer) int {
	s, err := parse(args, lookup, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitDone
	case err != nil:
		fmt.Fprintf(stderr, "hubspotsim: %v\n", err)
		return exitUsage
	}
	file, isFile := stderr.(*os.File)
	plain := !isFile || !term.IsTerminal(int(file.Fd())) || os.Getenv("NO_COLOR") != ""
	log := slog.New(tint.NewTextHandler(stderr, &tint.Options{NoColor: plain}))
	do := func() error { return serve(ctx, s, log) }
	if s.healthcheck {
		do = func() error { return checkHealth(ctx, s.addr) }
	}
	if err := do(); err != nil {
		fmt.Fprintf(stderr, "hubspotsim: %v\n", err)
		return exitFailed
	}
	return exitDone
}

// serve answers requests until ctx ends. Requests that are held back are then
// let go, and those under way have stopTimeout to finish.
func serve(ctx context.Context, s settings, log *slog.Logger) error {
	sim := hubspotsim.New(hubspotsim.Options{
		Token: s.token, PortalID: s.portal, TimeZone: s.timeZone, RatePer10s: s.rate, DailyLimit: s.daily,
		Latency: s.latency, Keep: s.keep, Bare: s.bare,
	})
	sim.OnRequest(func(r hubspotsim.Request) { logRequest(ctx, log, r) })

	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{
		Handler: sim, ReadHeaderTimeout: 10 * time.Second,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	log.InfoContext(ctx, "HubSpot simulator is listening", "addr", listener.Addr().String(), "portal", s.portal)

	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	sim.ClearFaults()
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := server.Shutdown(stopping); err != nil {
		_ = server.Close() // what is still open had its time
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	log.InfoContext(stopping, "HubSpot simulator has stopped", "requests", sim.Stats().Requests, "writes", sim.Stats().Writes)
	return nil
}

func logRequest(ctx context.Context, log *slog.Logger, r hubspotsim.Request) {
	attrs := []slog.Attr{
		slog.String("method", r.Method), slog.String("path", r.Path), slog.Int("status", r.Status),
		slog.Int("contacts", len(r.Inputs)), slog.Duration("took", r.Took),
	}
	if r.Fault != "" {
		attrs = append(attrs, slog.String("fault", r.Fault))
	}
	log.LogAttrs(ctx, slog.LevelInfo, "Request", attrs...)
}

// checkHealth asks the simulator that listens on addr of this machine.
func checkHealth(ctx context.Context, addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("address: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/_sim/healthz", http.NoBody)
	if err != nil {
		return fmt.Errorf("health: %w", err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("health: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("health: answered %s", response.Status)
	}
	return nil
}
