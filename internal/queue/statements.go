package queue

import (
	_ "embed" // the statements
	"fmt"
	"maps"
	"strings"

	"github.com/scrapersky/contactsync/internal/contact"
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
	//go:embed refusals.sql
	refusalsSQL string
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
	pieces["keyed_by"] = pieces["email_key"]
	if target.Destination.KeyedByID {
		pieces["keyed_by"] = pieces["id_key"]
	}
	pieces["latency_counts"] = latencyCounts(len(contact.LatencyBounds()) + 1)
	return statement.Merge(
		statement.Parse(claimSQL), statement.Parse(settleSQL), statement.Parse(maintainSQL), statement.Parse(refusalsSQL),
		statement.Parse(doorbellSQL), statement.Parse(sentSQL), statement.Parse(slotSQL),
	).Fill(pieces).All(target)
}

// latencyCounts returns SQL that counts so many buckets, one after the other. A join
// that groups by the bucket would need no such text, but costs every settle of up to
// 100 rows a tenth more.
func latencyCounts(buckets int) string {
	counts := make([]string, buckets)
	for i := range counts {
		counts[i] = fmt.Sprintf("count(*) FILTER (WHERE bucket = %d)", i)
	}
	return strings.Join(counts, ", ")
}
