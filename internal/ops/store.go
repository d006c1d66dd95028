// Package ops is a destination's queue as people see it and work with it: how it
// stands, which contacts failed and why, who runs, and putting contacts into it or
// taking them out. It exists apart from the queue because its connections are an
// app's, not a worker's: what it queues is a fresh request and rings, as if an app
// had done it. It knows a destination by its Info alone.
package ops

import (
	"context"
	"embed"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/statement"
)

// Store is what there is to know of one destination's queue, and to do about it.
type Store struct {
	pool       *pgxpool.Pool
	target     statement.Target
	statements map[string]statement.Statement
	via        Via
}

// New returns a store for what people do on a terminal. The pool stays the caller's.
func New(pool *pgxpool.Pool, target statement.Target) *Store {
	return &Store{pool: pool, target: target, statements: written().All(target), via: Terminal}
}

// Via returns the same store, which records what people do there as done elsewhere.
func (s *Store) Via(via Via) *Store {
	other := *s
	other.via = via
	return &other
}

// Destination returns whose queue it is.
func (s *Store) Destination() destination.Info { return s.target.Destination }

//go:embed *.sql
var files embed.FS

// written returns every statement of this package, with the forms of the selection.
func written() statement.Set {
	var text strings.Builder
	entries, err := files.ReadDir(".")
	for _, entry := range entries {
		content, readErr := files.ReadFile(entry.Name())
		if readErr != nil {
			panic(readErr) // it is embedded
		}
		text.Write(content)
		text.WriteString("\n")
	}
	if err != nil {
		panic(err)
	}
	set := statement.Parse(text.String())
	addForms(set)
	return set
}

// statement returns a statement as it is for the target. A name that there is not is a
// programming error and panics.
func (s *Store) statement(name string) statement.Statement {
	st, ok := s.statements[name]
	if !ok {
		panic("ops: no statement is named " + name)
	}
	return st
}

// querier is the pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// collect runs a statement and reads its rows by the places of T's fields.
func collect[T any](ctx context.Context, s *Store, db querier, name string, values pgx.NamedArgs) ([]T, error) {
	return gather(ctx, s, db, name, values, pgx.RowToStructByPos[T])
}

func gather[T any](ctx context.Context, s *Store, db querier, name string, values pgx.NamedArgs, scan pgx.RowToFunc[T]) ([]T, error) {
	st := s.statement(name)
	rows, err := db.Query(ctx, st.SQL, st.Args(values)...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scan)
}

// texts runs a statement whose rows are texts, such as ids.
func (s *Store) texts(ctx context.Context, db querier, name string, values pgx.NamedArgs) ([]string, error) {
	return gather(ctx, s, db, name, values, pgx.RowTo[string])
}

// one runs a statement that has one row.
func (s *Store) one(ctx context.Context, db querier, name string, values pgx.NamedArgs, into ...any) error {
	st := s.statement(name)
	rows, err := db.Query(ctx, st.SQL, st.Args(values)...)
	if err != nil {
		return err
	}
	_, err = pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (struct{}, error) { return struct{}{}, row.Scan(into...) })
	return err
}

// read reads within a transaction that can do nothing else. The server itself cuts
// its statements after a time, 0 for never: a client that only stops listening would
// leave them at work. The limit comes with the BEGIN, in one round trip.
func (s *Store) read(ctx context.Context, limit time.Duration, work func(tx pgx.Tx) error) error {
	begin := "BEGIN READ ONLY"
	if limit > 0 {
		begin = fmt.Sprintf("BEGIN READ ONLY; SET LOCAL statement_timeout = %d", limit.Milliseconds())
	}
	return pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{BeginQuery: begin}, work)
}

// upTo is a bound of counting as SQL has it: 0 is none.
func upTo(bound int64) any {
	if bound == 0 {
		return nil
	}
	return bound
}
