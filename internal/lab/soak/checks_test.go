package soak

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// ledger is the result: what was counted, and what was wrong.
type ledger struct {
	lines  []line
	broken []*account // whose pages are to be shown
}

// line is one check. What it counted is shown also when all is well: a check that
// saw nothing proves nothing.
type line struct {
	what    string
	counted string
	wrong   []string
}

// check opens the ledger, checks everything, and prints it.
func (w *world) check(told *receipts, seen *wakeUps, watcher *observer) {
	ctx := context.WithoutCancel(w.Context())
	accounts, err := w.open(ctx)
	if err != nil {
		w.Errorf("open the ledger: %v", err)
		return
	}
	l := &ledger{}
	l.checkDelivery(accounts)
	l.checkOrder(accounts)
	l.checkAlone(w)
	l.checkRepeats(ctx, w, accounts)
	l.checkRest(ctx, w)
	l.checkReceipts(ctx, w, told)
	l.checkSlots(ctx, w)
	l.checkWakeUps(seen)
	l.checkFlat(watcher)
	w.report(ctx, l)
}

func (l *ledger) add(what, counted string, wrong ...string) {
	l.lines = append(l.lines, line{what: what, counted: counted, wrong: wrong})
}

// checkDelivery: whenever an app's commit leaves a row Queued, HubSpot later gets
// that version or a newer one, or the row is Error with a reason; and what HubSpot
// has in the end is what the row holds.
func (l *ledger) checkDelivery(accounts []*account) {
	var owing, delivered, refusals int
	var lost, unlike, excused []string
	for _, a := range accounts {
		owed, n := a.owed(), contactNumber(a.id)
		if owed == 0 {
			continue
		}
		owing++
		if a.now.Status == "Error" {
			refusals++
			if a.now.Error == "" || a.now.Code == "" {
				lost = append(lost, fmt.Sprintf("%s is Error without a reason", a.email))
				l.broken = append(l.broken, a)
			}
			if !isRefused(n) && !strings.HasPrefix(a.now.Error, "Max retries exceeded") {
				excused = append(excused, fmt.Sprintf("%s is Error although HubSpot takes it: %s %s", a.email, a.now.Code, a.now.Error))
				l.broken = append(l.broken, a)
			}
			continue
		}
		if isShared(n) { // whichever of the two was sent last
			delivered++
			continue
		}
		newest, err := a.follow()
		if err != nil {
			continue // told by checkOrder
		}
		if newest < owed {
			lost = append(lost, fmt.Sprintf("%s (%s): commit %d is owed, HubSpot has version %q of commit %d", a.email, a.now.Status, owed, a.there, newest))
			l.broken = append(l.broken, a)
			continue
		}
		delivered++
		if states := a.states(); states[len(states)-1].Seq == owed && a.there != a.now.Version {
			unlike = append(unlike, fmt.Sprintf("%s holds version %s, HubSpot has %s", a.email, a.now.Version, a.there))
			l.broken = append(l.broken, a)
		}
	}
	l.add("every version that was left Queued, or a newer one, is at HubSpot, or the row is Error with a reason",
		fmt.Sprintf("%d contacts owed: %d delivered, %d Error", owing, delivered, refusals), lost...)
	l.add("what HubSpot has is what the row holds", fmt.Sprintf("%d rows", delivered), unlike...)
	l.add("no row is Error that HubSpot takes, but for spent attempts", fmt.Sprintf("%d rows are Error", refusals), excused...)
}

// checkOrder: HubSpot never gets an older version after a newer one, nor one that
// was not committed.
func (l *ledger) checkOrder(accounts []*account) {
	var contacts, writes int
	var wrong []string
	for _, a := range accounts {
		if isShared(contactNumber(a.id)) {
			continue
		}
		contacts++
		writes += len(a.seen)
		if _, err := a.follow(); err != nil {
			wrong = append(wrong, fmt.Sprintf("%s: %v", a.email, err))
			l.broken = append(l.broken, a)
		}
	}
	l.add("no older version after a newer one, none that was rolled back",
		fmt.Sprintf("%d writes of %d contacts", writes, contacts), wrong...)
}

// checkAlone: no two requests about one email were under way at once, whichever leaders
// and rows they came from.
func (l *ledger) checkAlone(w *world) {
	w.front.mu.Lock()
	defer w.front.mu.Unlock()
	l.add("no email is in two requests at once", fmt.Sprintf("%d emails, %d of them of two rows", len(w.front.waiting), shared/2), w.front.doubled...)
}

// checkRepeats: what nobody asked for is sent again only where something had gone
// wrong, once for each time: a claim that its leader did not live to settle, a
// request that met a fault, a row that was adopted.
func (l *ledger) checkRepeats(ctx context.Context, w *world, accounts []*account) {
	const interruptedSQL = `SELECT count(*)::int FROM soak.claims taken JOIN soak.claims freed USING (contact_id, cycle)
		WHERE taken.op = 'insert' AND freed.op = 'delete' AND (taken.pid, taken.who) <> (freed.pid, freed.who)`
	const what = "what nobody asked for is sent again only where something went wrong"
	interrupted, err := ask[int](ctx, w, interruptedSQL)
	if err != nil {
		l.add(what, "unknown", err.Error())
		return
	}
	var told, unasked int
	for _, a := range accounts {
		if !isShared(contactNumber(a.id)) {
			t, u := a.repeats()
			told, unasked = told+t, unasked+u
		}
	}
	faults, adopted := w.count.get("requests that met a fault, at most"), w.count.get("stale Processing adopted")
	bound := 2*(interrupted+faults*w.plan.batch) + adopted // sent again, and once more when nothing older can land
	counted := fmt.Sprintf("%d repeats, of which nobody asked for %d; explained are %d: %d claims whose leader ended, %d requests of %d that met a fault, %d adopted",
		told, unasked, bound, interrupted, faults, w.plan.batch, adopted)
	var wrong []string
	if unasked > bound {
		wrong = append(wrong, fmt.Sprintf("%d repeats, explained are %d", unasked, bound))
	}
	l.add(what, counted, wrong...)
}

// checkRest: nothing is left behind.
func (l *ledger) checkRest(ctx context.Context, w *world) {
	const restSQL = `SELECT format('%s Queued, %s Processing, %s claims, %s prepared transactions',
		(SELECT count(*) FROM contacts WHERE hubspot_processing_status = 'Queued'),
		(SELECT count(*) FROM contacts WHERE hubspot_processing_status = 'Processing'),
		(SELECT count(*) FROM contactsync.claims), (SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()))`
	rest, err := ask[string](ctx, w, restSQL)
	if err != nil || rest != "0 Queued, 0 Processing, 0 claims, 0 prepared transactions" {
		l.add("nothing is left in the queue or in flight", rest, fmt.Sprintf("%s (%v)", rest, err))
		return
	}
	l.add("nothing is left in the queue or in flight", rest)
}

// checkReceipts: the books hold what apps were told: this is a check of the ledger
// itself, and of Postgres.
func (l *ledger) checkReceipts(ctx context.Context, w *world, told *receipts) {
	const missingSQL = `SELECT coalesce(string_agg(t, ', '), '') FROM unnest($1::text[]) t WHERE NOT EXISTS (SELECT FROM soak.changes c WHERE c.token = t)`
	const thereSQL = `SELECT coalesce(string_agg(t, ', '), '') FROM unnest($1::text[]) t WHERE EXISTS (SELECT FROM soak.changes c WHERE c.token = t)`
	counted := fmt.Sprintf("%d answered commits, %d undone", len(told.committed), len(told.undone))
	var wrong []string
	if _, err := w.books.Exec(ctx, `CREATE INDEX ON soak.changes (token); ANALYZE soak.changes`); err != nil {
		wrong = append(wrong, err.Error())
	}
	if missing, err := ask[string](ctx, w, missingSQL, told.committed); err != nil || missing != "" {
		wrong = append(wrong, fmt.Sprintf("answered and not in the books: %s (%v)", missing, err))
	}
	if there, err := ask[string](ctx, w, thereSQL, told.undone); err != nil || there != "" {
		wrong = append(wrong, fmt.Sprintf("undone and in the books: %s (%v)", there, err))
	}
	l.add("Postgres kept what it answered", counted, wrong...)
}

// checkSlots: whoever touched a claim held the lock of its slot, but for a
// quarantine that was over, which anyone lifts.
func (l *ledger) checkSlots(ctx context.Context, w *world) {
	const strangeSQL = `SELECT coalesce(string_agg(format('%s of slot %s, cycle %s, by %s at %s', op, slot, cycle, who, at), E'\n'), '')
		FROM soak.claims WHERE NOT holds AND NOT (op = 'delete' AND until IS NOT NULL AND until <= at)`
	const countSQL = `SELECT format('%s claims, %s claims quarantined, %s terms of leaders',
		(SELECT count(*) FROM soak.claims WHERE op = 'insert'), (SELECT count(*) FROM soak.claims WHERE op = 'update' AND until IS NOT NULL),
		(SELECT count(*) FROM soak.terms))`
	counted, err := ask[string](ctx, w, countSQL)
	strange, err2 := ask[string](ctx, w, strangeSQL)
	var wrong []string
	if err != nil || err2 != nil || strange != "" {
		wrong = append(wrong, fmt.Sprintf("%s (%v, %v)", strange, err, err2))
	}
	l.add("claims are touched only by the holder of their slot", counted, wrong...)
}

// checkWakeUps: while nothing is broken, nothing that is due waits for a tick.
func (l *ledger) checkWakeUps(seen *wakeUps) {
	ms := func(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
	counted := fmt.Sprintf("%d silences after commits: all was sent within %v (median), %v (longest)",
		len(seen.waits), ms(median(seen.waits)), ms(most(seen.waits)))
	var wrong []string
	if most(seen.waits) > wakeMost {
		wrong = append(wrong, "a wake-up was lost")
	}
	if len(seen.waits) == 0 && len(seen.aftermath) > 0 {
		wrong = append(wrong, "nothing was measured")
	}
	l.add("no wake-up is lost, with a tick an hour away", counted, wrong...)
	l.add("a storm leaves nothing that does not heal", fmt.Sprintf("quiet after %v (median), %v (longest)",
		ms(median(seen.aftermath)), ms(most(seen.aftermath))))
}

// checkFlat: connections as promised; memory and threads do not grow. Goroutines
// are not to be seen from outside.
func (l *ledger) checkFlat(o *observer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var wrong []string
	if o.leader.most > 3 {
		wrong = append(wrong, fmt.Sprintf("a leader had %d connections", o.leader.most))
	}
	if o.other.most > 2 {
		wrong = append(wrong, fmt.Sprintf("a follower had %d connections", o.other.most))
	}
	l.add("connections: at most 3 of a leader, 2 of a follower", fmt.Sprintf("leader: %v; follower: %v", &o.leader, &o.other), wrong...)
	wrong = nil
	const growth = 4
	if o.memory.most > growth*o.memory.first {
		wrong = append(wrong, "the memory of a replica grows")
	}
	if o.threads.most > growth*o.threads.first {
		wrong = append(wrong, "the threads of a replica grow")
	}
	l.add("memory and threads of a replica are flat", fmt.Sprintf("KiB: %v; threads: %v", &o.memory, &o.threads), wrong...)
}
