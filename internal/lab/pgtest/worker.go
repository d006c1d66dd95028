package pgtest

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"testing"

	"github.com/scrapersky/contactsync/internal/schema"
)

// AsWorker is the URL of a database that New made, with a role that may do a
// worker's job and nothing else. The role is the same for all tests of this
// process.
func AsWorker(tb testing.TB, databaseURL string) string {
	tb.Helper()
	s, err := shared()
	if err != nil {
		tb.Fatal(err)
	}
	u, err := url.Parse(databaseURL)
	if err != nil {
		tb.Fatal("parse the database URL") // the error would quote it
	}
	u.User = url.UserPassword(workerOf(s.mark), s.password)
	return u.String()
}

// workerOf is the name of a process's worker role.
func workerOf(mark uint32) string { return fmt.Sprintf("cstest_worker_%d", mark) }

// grantTemplate makes the worker's role. Databases that are copied from the
// template have its rights, too.
func (s *server) grantTemplate(ctx context.Context) error {
	name := workerOf(s.mark)
	if err := s.exec(ctx, "CREATE ROLE "+name+" LOGIN PASSWORD '"+s.password+"'"); err != nil {
		return err
	}
	return schema.Grant(ctx, s.at(s.name(0)), Options(), name, schema.Worker, slog.New(slog.DiscardHandler))
}
