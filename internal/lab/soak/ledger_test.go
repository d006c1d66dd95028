package soak

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

// change is what one committed transaction of an app made of a contact.
type change struct {
	At      time.Time
	Seq     int64 // the order of the commits, for one contact
	Tx      string
	ID      string
	Op      string
	Version string
	Before  string // the status; empty for NULL and where there was no row
	After   string
	Token   string
}

// account is one contact's page of the ledger.
type account struct {
	id    string
	email string
	now   struct{ Version, Status, Error, Code string } // the row; Status is "deleted" where there is none
	past  []change
	seen  []hubspotsim.Write // what HubSpot was told, in order

	overtaken map[string]bool // versions of this contact that landed when something newer might have been sent

	claimed []time.Time
	there   string // the version that HubSpot has; empty for none
}

// owed is the commit from which on HubSpot must have been told: the last one that
// left the contact Queued, or Processing, which is sent again when it differs from
// what is in flight. Zero where an app has taken that back since.
func (a *account) owed() (seq int64) {
	for _, c := range a.past {
		switch {
		case c.Op == "delete":
			seq = 0
		case c.After == "Queued", c.After == "Processing":
			seq = c.Seq
		case c.Op == "insert", c.After != c.Before:
			seq = 0
		}
	}
	return seq
}

// states is the versions that were ever committed, in that order: of each
// transaction the last one.
func (a *account) states() []change {
	var all []change
	for i, c := range a.past {
		if i+1 < len(a.past) && a.past[i+1].Tx == c.Tx || c.Op == "delete" {
			continue
		}
		all = append(all, c)
	}
	return all
}

// follow matches the writes with the commits. Each write must show a state that was
// committed, and none an older one than the write before it, but for one that landed so
// late that it may have been overtaken, which must not be the last. It answers the newest
// commit that the last write may stand for. A version may have been committed
// twice, when a whole row was saved back: then the earliest commit that fits is
// taken, so that nothing is called wrong that may be right.
func (a *account) follow() (newest int64, err error) {
	states := a.states()
	at := 0 // the place of the state that the last write showed
	for i, write := range a.seen {
		version := write.Properties["phone"]
		if write.Properties["lastname"] != "v"+version {
			return 0, fmt.Errorf("write %d mixes versions: %v", write.Seq, write.Properties)
		}
		is := func(c change) bool { return c.Version == version }
		next := slices.IndexFunc(states[min(at, len(states)):], is)
		if next < 0 && a.overtaken[version] && i+1 < len(a.seen) { // something newer must follow
			continue
		}
		if next < 0 && !slices.ContainsFunc(states, is) {
			return 0, fmt.Errorf("write %d shows version %s, which was never committed", write.Seq, version)
		} else if next < 0 {
			return 0, fmt.Errorf("write %d shows version %s after a newer one, %s", write.Seq, version, a.seen[i-1].Properties["phone"])
		}
		at += next
	}
	if len(a.seen) == 0 {
		return 0, nil
	}
	last := a.seen[len(a.seen)-1].Properties["phone"]
	for _, c := range states[at:] {
		if c.Version == last {
			newest = c.Seq
		}
	}
	return newest, nil
}

// repeats is how often HubSpot was told the version again that it had been told
// last, and how often nobody had asked for that: no app had changed the row since
// it was claimed for the time before. While a row is locked it is not claimed, so
// the time of a change within its transaction is as good as that of its commit.
func (a *account) repeats() (told, unasked int) {
	for i := 1; i < len(a.seen); i++ {
		if a.seen[i].Properties["phone"] != a.seen[i-1].Properties["phone"] {
			continue
		}
		told++
		var since time.Time
		for _, claimed := range a.claimed {
			if !claimed.After(a.seen[i-1].Time) {
				since = claimed
			}
		}
		if !slices.ContainsFunc(a.past, func(c change) bool { return c.At.After(since) && c.At.Before(a.seen[i].Time) }) {
			unasked++
		}
	}
	return told, unasked
}

// open opens the ledger: the books of Postgres against those of HubSpot.
func (w *world) open(ctx context.Context) ([]*account, error) {
	rows, err := w.books.Query(ctx, `SELECT id::text, coalesce(email, ''), coalesce(phone_number, ''), coalesce(hubspot_processing_status::text, ''),
		coalesce(hubspot_processing_error, ''), coalesce(hubspot_error_code, '') FROM contacts`)
	if err != nil {
		return nil, err
	}
	byID, byEmail := map[string]*account{}, map[string]*account{}
	var order []*account
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) {
		a := &account{}
		err := row.Scan(&a.id, &a.email, &a.now.Version, &a.now.Status, &a.now.Error, &a.now.Code)
		byID[a.id], byEmail[a.email] = a, a
		order = append(order, a)
		return struct{}{}, err
	})
	if err != nil {
		return nil, err
	}
	rows, err = w.books.Query(ctx, `SELECT at, seq, tx, contact_id::text AS id, op, coalesce(version, '') AS version, coalesce(before, '') AS before,
		coalesce(after, '') AS after, coalesce(token, '') AS token FROM soak.changes WHERE NOT worker ORDER BY seq`)
	if err != nil {
		return nil, err
	}
	changes, err := pgx.CollectRows(rows, pgx.RowToStructByName[change])
	if err != nil {
		return nil, err
	}
	for _, c := range changes {
		a := byID[c.ID]
		if a == nil {
			a = &account{id: c.ID}
			if n := contactNumber(c.ID); n >= 0 && contactEmail(n) != nil {
				a.email = *contactEmail(n)
			}
			a.now.Status = "deleted"
			byID[c.ID], byEmail[a.email] = a, a
			order = append(order, a)
		}
		a.past = append(a.past, c)
	}
	if err := w.openClaims(ctx, byID); err != nil {
		return nil, err
	}
	for _, write := range w.sim.Writes() {
		if a := byEmail[write.Email]; a != nil && write.Email != "" {
			a.seen = append(a.seen, write)
		} else {
			return nil, fmt.Errorf("HubSpot was told of %q, whom nobody knows", write.Email)
		}
	}
	for _, a := range order {
		if c, ok := w.sim.Contact(a.email); ok {
			a.there = c.Properties["phone"]
		}
		a.overtaken = map[string]bool{}
		for _, c := range a.past {
			a.overtaken[c.Version] = w.front.overtaken[a.email+" "+c.Version]
		}
	}
	return order, nil
}

// openClaims adds when each contact was claimed.
func (w *world) openClaims(ctx context.Context, byID map[string]*account) error {
	rows, err := w.books.Query(ctx, `SELECT contact_id::text, at FROM soak.claims WHERE op = 'insert' ORDER BY seq`)
	if err != nil {
		return err
	}
	var id string
	var at time.Time
	_, err = pgx.ForEachRow(rows, []any{&id, &at}, func() error {
		byID[id].claimed = append(byID[id].claimed, at)
		return nil
	})
	return err
}
