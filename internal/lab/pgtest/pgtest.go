// Package pgtest gives every test a PostgreSQL database of its own, on a real
// server, because what this project promises rests on how PostgreSQL locks,
// notifies and plans, which no imitation has.
//
// The server is TEST_DATABASE_URL's where that is set (its role must be a
// superuser's); else one in Docker; else one of the PostgreSQL programs
// installed on this machine; else one of downloaded programs, see
// postgres.BinariesURLVariable. CONTACTSYNC_TEST_POSTGRES=docker, local or
// embedded forces one. It starts with the first test that asks and ends with the
// process.
package pgtest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Patience bounds the wait for what must come. It is long, because a machine may be
// slow, and it costs nothing where all is well; no test measures with it.
const Patience = 3 * time.Minute

// New returns the URL of a fresh, migrated database. It is dropped at the end
// of the test, whoever is still connected.
func New(tb testing.TB) string {
	tb.Helper()
	return create(tb, true)
}

// Empty returns the URL of a fresh database with nothing in it.
func Empty(tb testing.TB) string {
	tb.Helper()
	return create(tb, false)
}

func create(tb testing.TB, migrated bool) string {
	tb.Helper()
	s, err := shared()
	if err != nil {
		tb.Fatalf("a test needs PostgreSQL: %v\n(or set TEST_DATABASE_URL to a server whose databases may come and go)", err)
	}
	s.tell.Do(func() { tb.Logf("PostgreSQL: %s", s.using) })
	url, drop, err := s.create(tb.Context(), migrated)
	if err != nil {
		tb.Fatalf("create a test database: %v", err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), Patience)
		defer cancel()
		if err := drop(ctx); err != nil {
			tb.Errorf("drop the test database: %v", err)
		}
	})
	return url
}

// Connect opens a connection as an app would, and closes it at the end of the
// test.
func Connect(tb testing.TB, url string) *pgx.Conn {
	tb.Helper()
	conn, err := pgx.Connect(tb.Context(), url)
	if err != nil {
		tb.Fatalf("connect: %v", err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = conn.Close(ctx) // a test may have cut it
	})
	return conn
}

// Exec runs statements on a connection of their own. Each may hold several,
// separated by semicolons, which then are one transaction.
func Exec(tb testing.TB, url string, statements ...string) {
	tb.Helper()
	if err := run(tb.Context(), url, statements...); err != nil {
		tb.Fatal(err)
	}
}

func run(ctx context.Context, url string, statements ...string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }() // all was done, or there is an error to tell
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement, pgx.QueryExecModeSimpleProtocol); err != nil {
			return fmt.Errorf("%w\nin %s", err, statement)
		}
	}
	return nil
}

// drop runs statements when the test has ended and its context with it.
func drop(tb testing.TB, url string, statements ...string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), Patience)
	defer cancel()
	if err := run(ctx, url, statements...); err != nil {
		tb.Errorf("clean up: %v", err)
	}
}

// Value returns the one value that a query gives.
func Value[T any](tb testing.TB, url, query string, args ...any) T {
	tb.Helper()
	conn, err := pgx.Connect(tb.Context(), url)
	if err != nil {
		tb.Fatalf("connect: %v", err)
	}
	value, err := one[T](tb.Context(), conn, query, args...)
	_ = conn.Close(tb.Context()) // the answer is there, or an error to tell
	if err != nil {
		tb.Fatalf("%v\nin %s", err, query)
	}
	return value
}

func one[T any](ctx context.Context, conn *pgx.Conn, query string, args ...any) (value T, err error) {
	rows, err := conn.Query(ctx, query, args...)
	if err != nil {
		return value, fmt.Errorf("query: %w", err)
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
}

// Eventually waits until a condition in SQL holds.
func Eventually(t *testing.T, url, condition string, args ...any) {
	t.Helper()
	conn := Connect(t, url)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		var holds bool
		if err := conn.QueryRow(t.Context(), condition, args...).Scan(&holds); err != nil {
			t.Fatalf("%v\nin %s", err, condition)
		}
		if holds {
			return
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("it never came true that %s", condition)
		case <-tick.C:
		}
	}
}
