package ops

import (
	"context"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/statement"
)

// source has a store's statements, which depend on the table: what it is called, what
// its columns are called, and what type the ids have. A process that starts before its
// database does learns that later.
type source struct {
	find  func(ctx context.Context) (statement.Target, error)
	found atomic.Pointer[rendered]
}

// rendered is what there is once the table is known. It does not change.
type rendered struct {
	table      statement.Table
	statements statement.Statements
}

// ready returns the statements, and finds the table where that was not done. Two that
// do so at once find the same.
func (s *source) ready(ctx context.Context) (*rendered, error) {
	if known := s.found.Load(); known != nil {
		return known, nil
	}
	target, err := s.find(ctx)
	if err != nil {
		return nil, err
	}
	return s.use(target), nil
}

func (s *source) use(target statement.Target) *rendered {
	known := &rendered{table: target.Table, statements: written().All(target)}
	s.found.Store(known)
	return known
}

// query runs a statement that returns rows.
func (r *rendered) query(ctx context.Context, db querier, name string, values pgx.NamedArgs) (pgx.Rows, error) {
	st := r.statements.Named(name)
	return db.Query(ctx, st.SQL, st.Args(values)...)
}
