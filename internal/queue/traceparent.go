package queue

import (
	"context"
	_ "embed" // the statement
	"strings"

	"github.com/jackc/pgx/v5"
)

//go:embed traceparent.sql
var traceparentSQL string

// The claims select a constant where they could select the column.
const (
	noTraceParent = `''/* traceparent */`
	traceParent   = `coalesce(left(c.traceparent::text, 100), '')`
)

// trace has the claims bring the column traceparent along, where it is wanted, the
// app has it and this role may read it.
func (q *Queue) trace(ctx context.Context, conn *pgx.Conn) error {
	if !q.opt.Traced {
		return nil
	}
	var readable bool
	if err := conn.QueryRow(ctx, traceparentSQL).Scan(&readable); err != nil || !readable {
		return err
	}
	q.claimSQL = strings.Replace(q.claimSQL, noTraceParent, traceParent, 1)
	q.claimIDsSQL = strings.Replace(q.claimIDsSQL, noTraceParent, traceParent, 1)
	return nil
}
