// Command hubspotsim serves the HubSpot simulator of internal/lab/hubspotsim, so
// that the demo, docker compose and a person with curl have a portal to write
// to.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	os.Exit(mainContext())
}

// mainContext lets the signals go before the process exits.
func mainContext() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return run(ctx, os.Args[1:], os.LookupEnv, os.Stderr)
}
