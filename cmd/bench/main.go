// Command bench measures what contactsync does on this machine. The replicas that
// it measures are processes of the contactsync program, so that two builds of it
// can be measured in turn; what is measured, and how, is in internal/lab/bench.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/sethvargo/go-envconfig"

	"github.com/scrapersky/contactsync/internal/app"
	"github.com/scrapersky/contactsync/internal/config"
)

// The exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	p := &program{env: envconfig.OsLookuper(), stdout: os.Stdout, stderr: os.Stderr}
	os.Exit(p.execute(context.Background(), os.Args[1:]))
}

// program is what the command has of the world around it.
type program struct {
	env            envconfig.Lookuper
	stdout, stderr io.Writer // the table goes to the one, progress and errors to the other

	started bool // the arguments were good, and work began
}

// execute does what args say, prints an error where that fails, and returns the
// exit code.
func (p *program) execute(ctx context.Context, args []string) int {
	cmd := newCommand(p)                         //nolint:contextcheck // cobra hands ctx to the command
	cmd.SetArgs(slices.Concat([]string{}, args)) // without arguments cobra would take those of the process
	err := cmd.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	fmt.Fprintf(p.stderr, "bench: %v\n", err)
	if remedy := app.Remedy(err); remedy != "" {
		fmt.Fprintln(p.stderr, remedy)
	}
	if !p.started {
		fmt.Fprintln(p.stderr, "Try `bench --help`.")
		return exitUsage
	}
	if _, settings := errors.AsType[*config.Error](err); settings {
		return exitUsage
	}
	return exitFailed
}
