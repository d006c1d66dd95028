// Package postgres starts a PostgreSQL server that nobody will miss: in a
// container, from the server programs installed on this machine, or from
// downloaded ones. The demo and the tests need a real server on a fresh machine
// with one command, and must leave nothing behind, not even when they are
// killed. Only downloaded programs are kept, in the user's cache.
package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

// Kind says where a server runs.
type Kind string

// The kinds of server. Any tries them in this order. Who asks for Local gets a
// process of this machine, which can be halted: an Embedded one where no
// programs are installed.
const (
	Any      Kind = ""
	Docker   Kind = "docker"
	Local    Kind = "local"    // the server programs installed on this machine
	Embedded Kind = "embedded" // server programs that are downloaded when they are first needed
)

// includes says whether a server of the other kind will do.
func (k Kind) includes(other Kind) bool {
	return k == Any || k == other || k == Local && other == Embedded
}

// Options says which server to start. Its zero value is a good one.
type Options struct {
	Kind Kind

	// Settings are added to the server's own, for instance
	// {"log_min_duration_statement": "0"}; they win over the defaults here.
	Settings map[string]string

	// Env is added to the environment of a server that is not in Docker, as NAME=VALUE.
	Env []string

	// Runner starts the container. Nil uses the docker command.
	Runner Runner

	// BinariesURL is where server programs are downloaded, laid out as a Maven
	// repository. Empty asks the environment, see BinariesURLVariable.
	BinariesURL string

	// Cache is the folder that keeps downloaded programs. Empty is the usual one.
	Cache string

	Tell func(string) // says to people what takes long; nil is silent
	Log  *slog.Logger // nil discards
}

// Server is a running PostgreSQL server that this process owns.
type Server struct {
	URL  string // connects as superuser to the database "postgres"
	Kind Kind   // never Any
	Info string // for people: the image, or the folder of the programs
	Data string // the folder of its data; empty in Docker

	stop   func() error
	halt   func(context.Context, Mode) error // nil where it cannot be done
	resume func() error
}

// Stop ends the server at once and removes its data. Calls after the first
// return the same error.
func (s *Server) Stop() error { return s.stop() }

// BinariesURLVariable names the environment variable that says where server
// programs are downloaded: a Maven repository with io.zonky.test.postgres in it,
// or a copy of that part. Maven Central where it is not set.
const BinariesURLVariable = "CONTACTSYNC_POSTGRES_BINARIES_URL"

// UnavailableError says that no server could be started, and why.
type UnavailableError struct {
	Reasons error // joined, one for each kind that was tried
}

// Error names the reasons and the remedies.
func (e *UnavailableError) Error() string {
	return "no PostgreSQL server to be had: start Docker, or install PostgreSQL's server programs " +
		"(Debian and Ubuntu: apt install postgresql; macOS: brew install postgresql@17), or set " + BinariesURLVariable +
		" to where they can be downloaded\n" + e.Reasons.Error()
}

// Unwrap gives the reasons.
func (e *UnavailableError) Unwrap() error { return e.Reasons }

// Start starts a server that listens on a free TCP port of the loopback
// address (a container's port as Docker publishes it). The context bounds the
// start only; the server runs until Stop, or until this process is gone,
// whatever ended it. The error is an *UnavailableError where nothing could be
// started.
func Start(ctx context.Context, opts Options) (*Server, error) {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	starters := []struct {
		kind  Kind
		start func(context.Context, Options, string) (*Server, error)
	}{{Docker, startContainer}, {Local, startLocal}, {Embedded, startEmbedded}}

	var reasons []error
	for _, s := range starters {
		if !opts.Kind.includes(s.kind) {
			continue
		}
		began := time.Now()
		server, err := s.start(ctx, opts, rand.Text())
		if err != nil {
			opts.Log.DebugContext(ctx, "PostgreSQL could not be started", "kind", s.kind, "error", err)
			reasons = append(reasons, fmt.Errorf("%s: %w", s.kind, err))
			continue
		}
		server.Kind, server.stop = s.kind, sync.OnceValue(server.stop)
		opts.Log.InfoContext(ctx, "PostgreSQL started",
			"kind", s.kind, "using", server.Info, "took", time.Since(began).Round(time.Millisecond))
		return server, nil
	}
	if len(reasons) == 0 {
		reasons = append(reasons, fmt.Errorf("kind %q: want %q, %q or %q", opts.Kind, Docker, Local, Embedded))
	}
	return nil, &UnavailableError{Reasons: errors.Join(reasons...)}
}

// flags are the server's settings as command-line arguments. Its data is
// worthless after a crash, so it need not be safe on disk.
func (o Options) flags() []string {
	settings := map[string]string{
		"max_connections":           "200",
		"max_prepared_transactions": "10",
		"fsync":                     "off",
		"synchronous_commit":        "off",
		"full_page_writes":          "off",
		"max_wal_size":              "4GB",
	}
	maps.Copy(settings, o.Settings)
	var flags []string
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		flags = append(flags, "-c", name+"="+settings[name])
	}
	return flags
}
