package queue

import (
	_ "embed" // the statements
	"maps"

	"github.com/scrapersky/contactsync/internal/queue/columns"
	"github.com/scrapersky/contactsync/internal/statement"
)

var (
	//go:embed fragments.sql
	fragmentsSQL string
	//go:embed claim.sql
	claimSQL string
	//go:embed settle.sql
	settleSQL string
	//go:embed maintain.sql
	maintainSQL string
	//go:embed doorbell.sql
	doorbellSQL string
	//go:embed sent.sql
	sentSQL string
	//go:embed slot.sql
	slotSQL string
)

// The claims select a constant where they could select the column traceparent.
const (
	noTraceParent = `''`
	traceParent   = `coalesce(left(c.traceparent::text, 100), '')`
)

// render returns the statements for a table that has the extra columns.
func render(target statement.Target, extra columns.List, traced bool) statement.Statements {
	pieces := statement.Parse(fragmentsSQL)
	maps.Copy(pieces, extra.Pieces())
	pieces["traceparent"] = noTraceParent
	if traced {
		pieces["traceparent"] = traceParent
	}
	return statement.Merge(
		statement.Parse(claimSQL), statement.Parse(settleSQL), statement.Parse(maintainSQL),
		statement.Parse(doorbellSQL), statement.Parse(sentSQL), statement.Parse(slotSQL),
	).Fill(pieces).All(target)
}
