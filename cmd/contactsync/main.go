// Command contactsync syncs the contacts that apps queue in PostgreSQL to
// HubSpot, on any number of replicas, and has what a person needs to run and
// look after that. This package holds no logic of the sync: each command is one
// small file that reads flags, calls internal/app or a package for people, and
// prints the result.
package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	_ "time/tzdata" // HubSpot's day ends at midnight of the portal's time zone, wherever this runs

	"github.com/sethvargo/go-envconfig"

	"github.com/scrapersky/contactsync/internal/printable"
)

func main() {
	p := &program{env: envconfig.OsLookuper(), stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
	os.Exit(p.execute(context.Background(), os.Args[1:]))
}

// program is what the commands have of the world around them, so that a test
// can run one without a process of its own.
type program struct {
	env            envconfig.Lookuper // without the file .env
	stdin          io.Reader
	stdout, stderr io.Writer // results go to the one, logs and errors to the other
}

// printJSON prints a result for scripts.
func (p *program) printJSON(result any) error {
	encoder := json.NewEncoder(printable.JSON(p.stdout))
	encoder.SetIndent("", "  ")
	return encoder.Encode(result)
}
