// Command peers has other ways to work off a queue do what contactsync does, on
// the same server and towards the same simulator, so that one table can show them
// side by side: River, the best known queue of Go and Postgres, and a loop that
// looks once a second. `bench --peers` runs it; it is a module of its
// own, so that the program depends on none of it.
//
// Where there was a choice, the peers have the better of it: a River job carries
// the whole contact, its time ends when the worker begins, and River gets more
// workers than it has by default.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// answer is what the measurement takes: one of the two.
type answer struct {
	Milliseconds []float64 `json:"milliseconds,omitempty"`
	PerSecond    float64   `json:"per_second,omitempty"`
}

func (a *answer) add(d time.Duration) {
	a.Milliseconds = append(a.Milliseconds, float64(d)/float64(time.Millisecond))
}

// place is where it happens: given in the environment, because a list of
// processes shows arguments.
type place struct{ database, hubspot, token string }

// The ways to play, by the name of the command.
var ways = map[string]func(ctx context.Context, at place, args []string) (answer, error){
	"river-latency":  riverLatency,
	"river-drain":    riverDrain,
	"river-failover": riverFailover,
	"river-client":   riverClient, // a process of river-failover
	"poll-latency":   pollLatency,
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) < 2 || ways[os.Args[1]] == nil {
		return errors.New("expected a way to play, see `bench --peers`")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	// Whoever started this holds the other end: when it is gone, however it died,
	// there is nobody to measure for.
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		end(errors.New("standard input has ended"))
	}()
	at := place{os.Getenv("PEERS_DATABASE_URL"), os.Getenv("PEERS_HUBSPOT_URL"), os.Getenv("PEERS_HUBSPOT_TOKEN")}
	found, err := ways[os.Args[1]](ctx, at, os.Args[2:])
	if err != nil {
		return fmt.Errorf("%s: %w", os.Args[1], err)
	}
	return json.NewEncoder(os.Stdout).Encode(found)
}

// parse reads the flags of a way.
func parse(args []string, define func(flags *flag.FlagSet)) error {
	flags := flag.NewFlagSet("peers", flag.ContinueOnError)
	define(flags)
	return flags.Parse(args)
}

// pause waits for d, or fails when ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
