package soak

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// pagesMost is how many pages of the ledger are shown when checks fail.
const pagesMost = 3

// report prints the ledger, and fails the test where something is wrong.
func (w *world) report(ctx context.Context, l *ledger) {
	var text strings.Builder
	fmt.Fprintf(&text, "the ledger of %v\n", w.plan)
	fmt.Fprintf(&text, "  the apps wrote: %s\n", w.count.under("form: "))
	fmt.Fprintf(&text, "  and failed to: %s\n", w.count.under("app: "))
	fmt.Fprintf(&text, "  broken: %s\n", w.count.under("fault: "))
	fmt.Fprintf(&text, "  kills: %d; orderly stops: %d; stale Processing adopted: %d\n",
		w.count.get("kills"), w.count.get("orderly stops"), w.count.get("stale Processing adopted"))
	for _, line := range l.lines {
		verdict := "ok   "
		if len(line.wrong) > 0 {
			verdict = "WRONG"
		}
		fmt.Fprintf(&text, "  %s  %s: %s\n", verdict, line.what, line.counted)
	}
	w.Log(text.String())
	for _, line := range l.lines {
		for _, wrong := range line.wrong {
			w.Errorf("%s: %s", line.what, wrong)
		}
	}
	shown := map[string]bool{}
	for _, a := range l.broken {
		if len(shown) < pagesMost && !shown[a.id] {
			shown[a.id] = true
			w.Log(w.page(ctx, a))
		}
	}
}

// pageSQL is everything that is known of a contact, in the order of time. $1 its id.
const pageSQL = `SELECT to_char(at AT TIME ZONE 'UTC', 'HH24:MI:SS.MS') || '  ' || what FROM (
	SELECT at, format('%s: %s version %s, %s -> %s%s%s', CASE WHEN worker THEN who ELSE coalesce(token, who) END, op, version,
		coalesce(before, 'NULL'), coalesce(after, 'NULL'), ', tries ' || tries, ', due ' || due) AS what
	  FROM soak.changes WHERE contact_id = $1::uuid
	UNION ALL
	SELECT at, format('%s: claim: %s slot %s cycle %s%s%s', who, op, slot, cycle, ' until ' || until, CASE WHEN NOT holds THEN ' WITHOUT THE LOCK' END)
	  FROM soak.claims WHERE contact_id = $1::uuid
	UNION ALL
	SELECT at, format('failure: cycle %s attempt %s %s %s %s', cycle, attempt, code, http_status, message)
	  FROM contactsync.failures WHERE contact_id = $1::uuid
	) x ORDER BY at`

// page is a contact's page of the ledger for people.
func (w *world) page(ctx context.Context, a *account) string {
	var text strings.Builder
	fmt.Fprintf(&text, "the page of %s (%s): the row is %+v, HubSpot has version %q\n", a.email, a.id, a.now, a.there)
	var lines []string
	if rows, err := w.books.Query(ctx, pageSQL, a.id); err == nil {
		if lines, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			lines = append(lines, err.Error())
		}
	}
	for _, write := range a.seen {
		lines = append(lines, fmt.Sprintf("%s  HubSpot: request %d writes version %s", write.Time.UTC().Format("15:04:05.000"), write.Request, write.Properties["phone"]))
	}
	slices.Sort(lines) // they begin with the time
	const most = 120
	if len(lines) > most {
		fmt.Fprintf(&text, "  (%d lines before)\n", len(lines)-most)
		lines = lines[len(lines)-most:]
	}
	for _, line := range lines {
		text.WriteString("  " + line + "\n")
	}
	return text.String()
}
