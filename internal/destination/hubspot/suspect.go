package hubspot

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/scrapersky/contactsync/internal/destination/hubspot/api"
)

const (
	// patience is how many requests in a row may fail, in parts of parts, before it is
	// looked anew whether anything goes through.
	patience = 10

	// readTimeout bounds the account's own read in between, the wait for a rate limit
	// of ten seconds included.
	readTimeout = 20 * time.Second

	// slowParts is in how many parts a request is tried that took long to fail: each
	// part with a culprit takes as long again, so that few levels matter more than few
	// requests.
	slowParts = 10
)

// lone is a contact that failed alone, and how.
type lone struct {
	it *item
	e  *api.Error
}

// suspect goes on after a request failed in a way that the account, HubSpot itself or
// one of its contacts may be to blame for: a 5xx, a timeout, a broken connection, the
// page of a firewall. The account's own read and then single contacts, from both ends
// and the middle, show which: when one of them goes through, the rest is tried in
// parts, until those that fail are alone. Then it is their fault. When none goes
// through, it is nobody's.
//
// What is sent again holds the same values, under the same claims: should the first
// request take effect late, it changes nothing, and its contacts stay in doubt.
func (u *upsert) suspect(ctx context.Context, items []*item, e *api.Error) {
	answers, failures := u.countFailure(e)
	again := failures%patience == 0
	switch {
	case len(items) > 1 && (again || answers == 0 || e.Slow()):
		if rest := u.sift(ctx, items, e, answers); len(rest) > 0 {
			u.inParts(ctx, rest, e)
		}
	case len(items) > 1:
		u.inParts(ctx, items, e)
	case (again || answers == 0 && failures == 1) && !u.accountAnswers(ctx):
		u.failAll(ctx, items, e)
	default:
		u.failedAlone(items[0], e)
	}
}

// countFailure counts a failure. It returns how many requests were answered usably so
// far, and how many have failed since the last one that was.
func (u *upsert) countFailure(e *api.Error) (answers, failures int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.failures++
	u.busy = u.busy || e.Kind == api.KindBusy
	return u.answers, u.failures
}

// sift finds out whether HubSpot takes any of the contacts of a failed request. It
// returns those that are still to be tried: none where it takes nothing, and all are
// settled.
func (u *upsert) sift(ctx context.Context, items []*item, e *api.Error, answers int) (rest []*item) {
	u.proving.Lock()
	defer u.proving.Unlock()
	if why := u.stopReason(ctx); why != nil {
		u.markUnsent(why, items)
		return nil
	}
	if u.answered(answers) { // another request has proved it meanwhile
		return items
	}
	if !u.accountAnswers(ctx) {
		u.failAll(ctx, items, e)
		return nil
	}
	rest = slices.Clone(items)
	for _, at := range []int{0, len(items) - 1, len(items) / 2} {
		it := items[at]
		if len(rest) == 0 || !slices.Contains(rest, it) {
			continue
		}
		rest = slices.DeleteFunc(rest, func(other *item) bool { return other == it })
		if u.request(ctx, []*item{it}) {
			return rest
		}
	}
	u.giveUp(ctx, rest, e)
	return nil
}

// giveUp settles the rest of a request of which nothing went through.
func (u *upsert) giveUp(ctx context.Context, rest []*item, e *api.Error) {
	u.mu.Lock()
	others := u.usable
	u.mu.Unlock()
	if !others {
		u.fail(ctx, e)
	}
	for _, it := range rest {
		if e.Kind == api.KindAccount && !others {
			u.set(it, e.Outcome())
		} else {
			u.set(it, e.Untried())
		}
	}
}

// inParts tries contacts in parts: side by side where each may take long.
func (u *upsert) inParts(ctx context.Context, items []*item, e *api.Error) {
	switch {
	case len(items) == 1:
		u.request(ctx, items)
		return
	case !e.Slow():
		u.halve(ctx, items)
		return
	}
	var group errgroup.Group
	group.SetLimit(api.Concurrency)
	for part := range slices.Chunk(items, max(1, (len(items)+slowParts-1)/slowParts)) {
		group.Go(func() error {
			u.request(ctx, part)
			return nil
		})
	}
	_ = group.Wait() // no request returns an error
}

// failedAlone notes a contact that failed in a request of its own. Whose fault that was
// is decided once all was tried.
func (u *upsert) failedAlone(it *item, e *api.Error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.lone = append(u.lone, lone{it, e})
}

// judge settles the contacts that failed alone: at their own cost where others went
// through, or did so when it failed alone before. Otherwise nobody is to blame but
// HubSpot or the account.
func (u *upsert) judge(ctx context.Context) {
	if len(u.lone) == 0 {
		return
	}
	if !u.usable && !u.reachable && u.stop == nil {
		u.accountAnswers(ctx)
	}
	for _, l := range u.lone {
		switch {
		case u.usable, u.reachable && l.it.alone:
			u.set(l.it, l.e.Alone())
		default:
			u.fail(ctx, l.e)
			u.set(l.it, l.e.Outcome())
		}
	}
	u.outage = u.outage || !u.usable && u.reachable && u.pause == nil
}

// accountAnswers asks for the account's details, which writes nothing.
func (u *upsert) accountAnswers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	e := u.client.api.CheckAccount(ctx, &u.usage)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.reachable = e == nil
	return e == nil
}

// answered reports whether a request was answered usably since there were so many.
func (u *upsert) answered(since int) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.answers > since
}

func (u *upsert) isBusy() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.busy
}
