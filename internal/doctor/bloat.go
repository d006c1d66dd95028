package doctor

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/scrapersky/contactsync/internal/ops"
	"github.com/scrapersky/contactsync/internal/statement"
)

// Rough figures of an index: what an entry takes at most in a well-kept one of
// the queue, and what it takes when it is empty.
const (
	entryBytes   = 56
	emptyBytes   = 16 << 10
	bloatedTimes = 4
)

// bloat compares the size of the queue's indexes with what their rows need. It
// is a guess: only an extension could tell.
func (d Database) bloat(ctx context.Context) Finding {
	type size struct {
		Name, Quoted string
		Bytes        int64
	}
	snap, err := d.store().Snapshot(ctx, 0)
	if err != nil {
		return d.broken(err)
	}
	q := snap.Queue
	own := statement.For(d.table(), d.Destination, d.Schema.Written).Text // the destination's indexes
	live := map[string]int64{
		own("contacts_contactsync_queued"): q.Fresh, own("contacts_contactsync_retry"): q.Due - q.Fresh + q.Waiting,
		own("contacts_contactsync_in_work"): q.Processing, own("contacts_contactsync_error"): q.Error, "claims_pkey": q.InFlight + q.Quarantined,
	}
	sizes, err := askAll[size](ctx, d, sql.Text("sizes"), d.table().Name, slices.Sorted(maps.Keys(live)))
	if err != nil {
		return d.broken(err)
	}
	var total int64
	var bad, remedies []string
	for _, s := range sizes {
		total += s.Bytes
		need := emptyBytes + live[s.Name]*entryBytes
		if s.Bytes > d.limits.bloat && s.Bytes > bloatedTimes*need {
			bad = append(bad, fmt.Sprintf("%s has %s for %s about %s", s.Quoted, bytes(s.Bytes), ops.Count(live[s.Name], "row, which needs", "rows, which need"), bytes(need)))
			remedies = append(remedies, "REINDEX INDEX CONCURRENTLY "+s.Quoted+";")
		}
	}
	if len(bad) > 0 {
		return warn(strings.Join(remedies, " ")+" See transactions for what may keep the server from tidying up", "%s (an estimate)", strings.Join(bad, "; "))
	}
	return fine("%s for all indexes of the queue (an estimate)", bytes(total))
}

func bytes(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d KiB", (n+1023)>>10)
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}
