package statement

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// Statements are statements by their names, ready to be prepared. Their text does not
// change, so that a session prepares each of them once. To ask for a name that does not
// exist is a programming error and panics.
type Statements map[string]Statement

// Queue puts a statement into a batch.
func (s Statements) Queue(batch *pgx.Batch, name string, args pgx.NamedArgs) *pgx.QueuedQuery {
	stmt := s.Named(name)
	return batch.Queue(stmt.SQL, stmt.Args(args)...)
}

// Exec runs a statement that returns no rows.
func (s Statements) Exec(ctx context.Context, conn *pgx.Conn, name string, args pgx.NamedArgs) error {
	stmt := s.Named(name)
	_, err := conn.Exec(ctx, stmt.SQL, stmt.Args(args)...)
	return err
}

// Query runs a statement that returns rows.
func (s Statements) Query(ctx context.Context, conn *pgx.Conn, name string, args pgx.NamedArgs) (pgx.Rows, error) {
	stmt := s.Named(name)
	return conn.Query(ctx, stmt.SQL, stmt.Args(args)...)
}

// QueryRow runs a statement that returns one row.
func (s Statements) QueryRow(ctx context.Context, conn *pgx.Conn, name string, args pgx.NamedArgs) pgx.Row {
	stmt := s.Named(name)
	return conn.QueryRow(ctx, stmt.SQL, stmt.Args(args)...)
}

// Named returns a statement.
func (s Statements) Named(name string) Statement {
	stmt, ok := s[name]
	if !ok {
		panic("statement: none is named " + name)
	}
	return stmt
}
