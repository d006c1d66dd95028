package pgtest

import (
	"errors"
	"log/slog"
	"testing"

	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/postgres"
	"github.com/scrapersky/contactsync/internal/schema"
)

// Own starts a server of the test's own with these options, and stops it when the
// test ends. Where the machine has no server programs the test is skipped; see needs.
func Own(tb testing.TB, options postgres.Options) *postgres.Server {
	tb.Helper()
	server, err := postgres.Start(tb.Context(), options)
	if errors.Is(err, postgres.ErrNoPrograms) {
		needs.Missing(tb, "postgres", needs.Psql.Install)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := server.Stop(); err != nil {
			tb.Error(err)
		}
	})
	return server
}

// Options is what the migrated databases are prepared for: HubSpot alone, on contacts.
func Options() schema.Options {
	return schema.Options{Destinations: []destination.Info{hubspot.Info}, Written: hubspot.Info}
}

// On makes a migrated database on a server of the test's own, which may be
// stopped and started, and returns its URL. The database goes with the server.
func On(tb testing.TB, server *postgres.Server) string {
	tb.Helper()
	const name = "app"
	Exec(tb, server.URL, "CREATE DATABASE "+name)
	address := withDatabase(server.URL, name)
	Migrate(tb, address)
	return address
}

// Migrate brings a database to this version.
func Migrate(tb testing.TB, url string) {
	tb.Helper()
	if _, err := schema.Up(tb.Context(), url, Options(), slog.New(slog.DiscardHandler)); err != nil {
		tb.Fatal(err)
	}
}
