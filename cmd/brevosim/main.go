// Command brevosim serves the Brevo simulator of internal/lab/brevosim, so that a person
// without an account has one to write to. The control API below /_sim/ shows what arrived
// and has it go wrong.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/lmittmann/tint"

	"github.com/scrapersky/contactsync/internal/lab/brevosim"
)

func main() {
	os.Exit(mainContext())
}

// mainContext lets the signals go before the process exits.
func mainContext() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log := slog.New(tint.NewTextHandler(os.Stderr, nil))
	switch err := run(ctx, os.Args[1:], log); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintf(os.Stderr, "brevosim: %v\n", err)
		return 1
	}
	return 0
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, log *slog.Logger) error {
	flags := flag.NewFlagSet("brevosim", flag.ContinueOnError)
	addr := flags.String("addr", "127.0.0.1:8091", "`address` to listen on; the control API asks for no password")
	var o brevosim.Options
	flags.StringVar(&o.Key, "key", "xkeysib-simulator", "the only `key` that is let in")
	flags.IntVar(&o.Rate, "rate", 10, "requests let through in a second, 0: unlimited")
	flags.DurationVar(&o.Latency, "latency", 100*time.Millisecond, "`time` that every answer takes")
	flags.IntVar(&o.Keep, "keep", 20_000, "`requests` remembered for /_sim/requests")
	lists := flags.String("lists", "", "the lists that there are, by their numbers: `30,31`")
	bare := flags.Bool("bare", false, "leave out the attributes that are not there from the start: an account nobody has set up yet")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *bare {
		o.Attributes = map[string]string{"FIRSTNAME": "text", "LASTNAME": "text"}
	}
	for text := range strings.SplitSeq(*lists, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fmt.Errorf("-lists: %q is no number", text)
		}
		o.Lists = append(o.Lists, id)
	}
	sim := brevosim.New(o)
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", *addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{Handler: sim, ReadHeaderTimeout: 10 * time.Second}
	log.InfoContext(ctx, "Brevo simulator is listening", "addr", listener.Addr().String())
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	sim.ClearFaults() // lets go of what hangs
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(stopping); err != nil {
		_ = server.Close() // what is still open had its time
	}
	if err := <-served; err != nil && !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	log.InfoContext(stopping, "Brevo simulator has stopped", "writes", len(sim.Writes()))
	return nil
}
