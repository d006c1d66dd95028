package webhook

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/scrapersky/contactsync/internal/contact"
)

// patience is how many contacts in a row may fail, for what may be the webhook's
// fault, before nothing more of a batch is sent.
const patience = 3

// Upsert posts contacts, each in a request of its own, several side by side, and
// returns exactly one outcome for each, in their order, whatever happens. Their keys
// must be distinct; there may be any number of them.
//
// A contact whose request fails may be to blame for it itself: a workflow that
// stumbles over a value, a firewall that takes one for an attack. So one contact's
// failure holds up nobody: the next ones are sent, and only when they fail as well is
// it the webhook's. As long as that is not known to work, they go one by one.
//
// When ctx ends, what has not been sent is Unspent, and what has been sent and not
// answered is Unspent and in doubt.
func (c *Client) Upsert(ctx context.Context, batch []contact.Contact) contact.Report {
	u := &upsert{client: c, batch: batch, outcomes: make([]contact.Outcome, len(batch))}
	rows := u.validate()
	for len(rows) > 0 && !c.history.isProven() && u.stopReason(ctx) == nil {
		u.send(ctx, rows[0])
		rows = rows[1:]
	}
	var group errgroup.Group
	group.SetLimit(inFlight)
	for _, row := range rows {
		group.Go(func() error {
			u.send(ctx, row)
			return nil
		})
	}
	_ = group.Wait() // no request returns an error: each has written its outcome
	return u.report()
}

// upsert is the state of one Upsert.
type upsert struct {
	client   *Client
	batch    []contact.Contact
	outcomes []contact.Outcome // each is written by whoever has the row
	cost     usage

	mu     sync.Mutex
	usable bool     // a contact was taken, or refused for itself
	failed int      // failures since then that may be the webhook's
	last   *failure // the last of them
	busy   *failure // why everything is to pause at once
	refused
}

// refused are the contacts that were refused for what may be their own fault.
type refused struct {
	rows []int
	why  []*failure
}

// validate settles the contacts that cannot be sent, and returns the rows of the
// others.
func (u *upsert) validate() (rows []int) {
	for i, c := range u.batch {
		if why, bad := unsendable(c); bad {
			u.outcomes[i] = why
			continue
		}
		rows = append(rows, i)
	}
	return rows
}

// send posts one contact, if anything may still be sent.
func (u *upsert) send(ctx context.Context, row int) {
	if f := u.stopReason(ctx); f != nil {
		u.outcomes[row] = f.unsent()
		return
	}
	id, f := u.client.deliver(ctx, &u.cost, u.batch[row])
	u.mu.Lock()
	defer u.mu.Unlock()
	if f == nil {
		u.outcomes[row] = contact.Outcome{Verdict: contact.Synced, RemoteID: id}
		u.succeed(u.batch[row].ID)
		return
	}
	u.outcomes[row] = f.outcome()
	switch f.kind {
	case kindRow:
		u.succeed(u.batch[row].ID)
	case kindBusy:
		u.busy = f
	case kindKey, kindAddress:
		u.rows, u.why = append(u.rows, row), append(u.why, f)
		u.fail(f)
	case kindOutage:
		u.fail(f)
	case kindStopped:
	}
}

// succeed notes that the webhook works.
func (u *upsert) succeed(id string) {
	u.usable, u.failed = true, 0
	u.client.history.succeeded(id)
}

func (u *upsert) fail(f *failure) {
	u.failed, u.last = u.failed+1, f
	if f.kind == kindOutage && f.code == contact.CodeTimeout { // each of the next ones might take as long
		u.failed += patience
	}
}

// stopReason returns why nothing more may be sent; nil if it may.
func (u *upsert) stopReason(ctx context.Context) *failure {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case u.busy != nil:
		return u.busy
	case u.failed >= patience:
		return u.last
	case ctx.Err() != nil:
		return stopped(false)
	}
	return nil
}

// report decides whose fault the refusals were.
func (u *upsert) report() contact.Report {
	report := contact.Report{Outcomes: u.outcomes, Requests: int(u.cost.requests.Load()), Throttled: time.Duration(u.cost.throttled.Load())}
	h := &u.client.history
	guilty, others := make(map[int]bool), 0
	for _, row := range u.rows {
		if c := u.batch[row]; c.FailedAlone || h.isGuilty(c.ID) {
			guilty[row] = true
		} else {
			others++
		}
	}
	webhooks := len(u.rows) > 0 && !u.usable && h.judge(others)
	for i, row := range u.rows {
		c, f := u.batch[row], u.why[i]
		switch {
		case !webhooks && guilty[row]:
			u.outcomes[row] = f.alone()
		case webhooks && f.kind == kindAddress:
			u.outcomes[row].Verdict, u.outcomes[row].Forgiving = contact.Unspent, false
		}
		h.refused(c.ID, u.usable)
	}
	switch {
	case u.busy != nil:
		report.Pause = u.busy.pause()
	case webhooks:
		report.Pause = u.why[len(u.why)-1].pause()
	case !u.usable && u.last != nil && u.last.kind == kindOutage:
		report.Outage = true
		h.distrust()
	}
	return report
}
