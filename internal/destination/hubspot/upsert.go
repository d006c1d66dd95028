package hubspot

import (
	"context"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination/hubspot/api"
)

// Upsert writes contacts to HubSpot, keyed by their emails, and returns exactly
// one outcome for each, in their order, whatever happens. Their keys (see
// contact.Contact.Key) must be distinct; there may be any number of them.
//
// What a request fails for, one of its contacts may have caused: see suspect.
//
// When ctx ends, what has not been sent is Unspent, and what has been sent and
// not answered is Unspent and in doubt. As long as the account is not known to
// work, one request goes first, and the others only if it was answered usably;
// an answer that concerns every row, and an outage, stop the batch: what has
// not been sent by then is Unspent.
func (c *Client) Upsert(ctx context.Context, batch []contact.Contact) contact.Report {
	u := &upsert{client: c, outcomes: make([]contact.Outcome, len(batch))}
	chunks := chunked(u.validate(batch))
	var group errgroup.Group
	group.SetLimit(api.Concurrency)
	for _, chunk := range u.prove(ctx, chunks) {
		group.Go(func() error {
			u.request(ctx, chunk)
			return nil
		})
	}
	_ = group.Wait() // no request returns an error: each has written its outcomes
	u.judge(ctx)
	c.learn(u)
	outage := u.outage && !u.usable
	return contact.Report{
		Outcomes: u.outcomes, Pause: u.pause, Outage: outage, Reachable: outage && u.reachable,
		Requests: u.usage.Requests(), Throttled: u.usage.Throttled(),
	}
}

// item is one contact on its way.
type item struct {
	row        int // its place in the batch
	key        string
	properties map[string]string
	alone      bool // it failed alone before: it gets a request of its own
	doubt      bool // a request that it was in may be carried out still
}

// chunked is the requests that items go in: those that failed alone before by
// themselves, after the others.
func chunked(items []*item) [][]*item {
	apart := func(it *item) bool { return it.alone }
	together := slices.DeleteFunc(slices.Clone(items), apart)
	chunks := slices.Collect(slices.Chunk(together, api.MaxBatch))
	for i, it := range items {
		if it.alone {
			chunks = append(chunks, items[i:i+1])
		}
	}
	return chunks
}

// upsert is the state of one Upsert.
type upsert struct {
	client   *Client
	usage    api.Usage
	outcomes []contact.Outcome // each is written by whoever has the item

	mu      sync.Mutex
	usable  bool                  // a request was answered usably
	outage  bool                  // a request was not, for which HubSpot or the way there is to blame
	failure *api.Error            // the first failure of a whole request
	stop    *api.Error            // why nothing more is to be sent
	pause   *contact.AccountPause // what stop means for the account

	answers   int    // requests that were answered usably
	busy      bool   // one was, but too busy for long
	failures  int    // those that may have failed for a contact, in a row
	lone      []lone // contacts that failed alone
	reachable bool   // the account's own read went through after such a failure

	proving sync.Mutex // held by the one who finds out whose fault it is
}

// set settles a contact. What was sent before it and may be carried out still stays
// in doubt, whatever came of it since.
func (u *upsert) set(it *item, o contact.Outcome) {
	o.InDoubt = o.InDoubt || it.doubt
	u.outcomes[it.row] = o
}

// validate settles the contacts that cannot be sent, and returns the others.
func (u *upsert) validate(batch []contact.Contact) []*item {
	today := u.client.today()
	items := make([]*item, 0, len(batch))
	for i, c := range batch {
		if why, bad := unsendable(c); bad {
			u.outcomes[i] = why
			continue
		}
		items = append(items, &item{row: i, key: c.Key(), properties: u.client.properties.values(c, today), alone: c.FailedAlone})
	}
	return items
}

// prove returns the requests that may go side by side, and settles the others. An
// account that is not known to work gets one request first.
func (u *upsert) prove(ctx context.Context, chunks [][]*item) [][]*item {
	if len(chunks) == 0 {
		return nil
	}
	if e := u.client.api.MayWrite(ctx, &u.usage); e != nil {
		u.refuseUnsent(ctx, e, chunks)
		return nil
	}
	if u.client.isProven() {
		return chunks
	}
	first, rest := chunks[0], chunks[1:]
	u.request(ctx, first)
	if e := u.unproven(); e != nil {
		u.markUnsent(e, slices.Concat(rest...))
		return nil
	}
	return rest
}

// refuseUnsent settles a batch of which nothing may be sent. A key that is
// refused costs the first request's rows an attempt, just as if it had been
// sent, so that the rows show what is wrong.
func (u *upsert) refuseUnsent(ctx context.Context, e *api.Error, chunks [][]*item) {
	u.fail(ctx, e)
	if e.Kind == api.KindAccount && e.Status != 0 {
		for _, it := range chunks[0] {
			u.set(it, e.Outcome())
		}
		chunks = chunks[1:]
	}
	u.markUnsent(e, slices.Concat(chunks...))
}

// markUnsent settles rows that are not sent because of a failure.
func (u *upsert) markUnsent(e *api.Error, items []*item) {
	for _, it := range items {
		u.set(it, e.Unsent())
	}
}

// unproven returns why no second request may go after the first; nil if it may.
func (u *upsert) unproven() *api.Error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.stop != nil {
		return u.stop
	}
	return u.failure
}

// stopReason returns why nothing more may be sent; nil if it may.
func (u *upsert) stopReason(ctx context.Context) *api.Error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.stop == nil && ctx.Err() != nil {
		return api.Stopped(ctx, false)
	}
	return u.stop
}

// fail records that a whole request failed, or that a row's failure concerns every
// row. The first failure of a kind that concerns every row stops the batch, and
// may pause the account.
func (u *upsert) fail(ctx context.Context, e *api.Error) {
	if !u.stopsBatch(e) {
		return
	}
	pause := u.client.pauseFor(ctx, &u.usage, e) // may ask HubSpot
	u.mu.Lock()
	defer u.mu.Unlock()
	u.pause = pause
}

// stopsBatch records a failure and reports whether it is the one that stops the batch.
func (u *upsert) stopsBatch(e *api.Error) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.outage = u.outage || e.Kind == api.KindOutage
	if u.failure == nil && e.Kind != api.KindStopped {
		u.failure = e
	}
	if u.stop != nil || e.Kind == api.KindOther {
		return false
	}
	u.stop = e
	return true
}

// succeed records that a request was answered usably.
func (u *upsert) succeed() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.usable, u.failures = true, 0
	u.answers++
}

// isProven reports whether the last batch was answered usably throughout.
func (c *Client) isProven() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.proven
}

// learn keeps what a batch has shown for the next one.
func (c *Client) learn(u *upsert) {
	u.mu.Lock()
	defer u.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case u.failure != nil:
		c.proven = false
	case u.usable:
		c.proven = true
	}
	if u.stop != nil && u.stop.Kind == api.KindSetup && u.stop.Properties != nil {
		c.missing = u.stop.Properties
	}
}
