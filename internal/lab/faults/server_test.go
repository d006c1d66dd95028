package faults

import (
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/lab/postgres"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// installApart gives a test an installation on a server of its own, which may be
// halted. A commit that was answered outlives a crash of that server, as it would
// in production; it need not outlive one of the machine.
func installApart(t *testing.T) (*progtest.Installation, *postgres.Server) {
	t.Helper()
	return installWith(t, postgres.Options{
		Kind: postgres.Local, Settings: map[string]string{"synchronous_commit": "on"},
	})
}

// installWith gives a test an installation on a server of its own that is started
// with these options.
func installWith(t *testing.T, options postgres.Options) (*progtest.Installation, *postgres.Server) {
	t.Helper()
	server := pgtest.Own(t, options)
	return progtest.InstallOn(t, pgtest.On(t, server)), server
}

// reconnect gives the app a new connection for one that the server ended.
func reconnect(in *progtest.Installation) {
	in.Helper()
	in.App = in.Connect()
}
