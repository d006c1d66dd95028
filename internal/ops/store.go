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

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/statement"
)

// Store is what there is to know of one destination's queue, and to do about it.
type Store struct {
	pool        *pgxpool.Pool
	destination destination.Info
	source      *source // the same one for the copies that Via makes
	via         Via
}

// New returns a store for what people do on a terminal. The pool stays the caller's.
func New(pool *pgxpool.Pool, target statement.Target) *Store {
	s := Later(pool, target.Destination, nil)
	s.source.use(target)
	return s
}

// Later returns a store like that of New for a table that is not known yet: the first
// use finds it. What find cannot tell yet, that use returns as its error, and the next
// use asks again.
func Later(pool *pgxpool.Pool, d destination.Info, find func(ctx context.Context) (statement.Target, error)) *Store {
	return &Store{pool: pool, destination: d, source: &source{find: find}, via: Terminal}
}

// Via returns the same store, which records what people do there as done elsewhere.
func (s *Store) Via(via Via) *Store {
	other := *s
	other.via = via
	return &other
}

// Destination returns whose queue it is.
func (s *Store) Destination() destination.Info { return s.destination }

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
	set["series"] = statement.Fill(set["series"], map[string]string{"latency_sums": latencySums(len(contact.LatencyBounds()) + 1)})
	addForms(set)
	return set
}

// latencySums returns SQL that adds up so many buckets, one after the other.
func latencySums(buckets int) string {
	sums := make([]string, buckets)
	for i := range sums {
		sums[i] = fmt.Sprintf("sum(latency[%d])", i+1)
	}
	return strings.Join(sums, ", ")
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
	known, err := s.source.ready(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := known.query(ctx, db, name, values)
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
	known, err := s.source.ready(ctx)
	if err != nil {
		return err
	}
	rows, err := known.query(ctx, db, name, values)
	if err != nil {
		return err
	}
	_, err = pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (struct{}, error) { return struct{}{}, row.Scan(into...) })
	return err
}

// exec runs a statement that returns no rows.
func (s *Store) exec(ctx context.Context, name string, values pgx.NamedArgs) error {
	known, err := s.source.ready(ctx)
	if err != nil {
		return err
	}
	st := known.statements.Named(name)
	_, err = s.pool.Exec(ctx, st.SQL, st.Args(values)...)
	return err
}

// read reads within a transaction that can do nothing else. The server itself cuts
// its statements after a time, 0 for never: a client that only stops listening would
// leave them at work. The limit comes with the BEGIN, in one round trip.
func (s *Store) read(ctx context.Context, limit time.Duration, work func(tx pgx.Tx) error) error {
	if _, err := s.source.ready(ctx); err != nil { // within the transaction it could wait for the pool's last connection
		return err
	}
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
