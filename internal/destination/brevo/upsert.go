package brevo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/scrapersky/contactsync/internal/contact"
)

const (
	// firstWave is how many contacts go while the account is not known to work.
	firstWave = 3
	// patience is how many requests in a row may fail before it is looked whether Brevo
	// answers at all, and mostFailures after how many nothing more is tried.
	patience, mostFailures = 3, 9
)

// Upsert implements [destination.Destination]. Each contact is a request of its own, a
// few of them side by side.
func (c *Client) Upsert(ctx context.Context, batch []contact.Contact) contact.Report {
	u := &upsert{client: c, outcomes: make([]contact.Outcome, len(batch))}
	if items := u.prepare(ctx, batch); len(items) > 0 {
		first := len(items)
		if !c.isProven() {
			first = min(first, firstWave)
		}
		u.wave(ctx, items[:first])
		u.wave(ctx, items[first:])
	}
	return u.report(ctx)
}

// item is one contact on its way.
type item struct {
	row     int // its place in the batch
	email   string
	values  map[string]any
	leftOut []string // attributes that it goes without
	alone   bool     // it failed before while others went through
	failure *Error   // for which it, the account or Brevo is to blame: see report
}

// upsert is the state of one Upsert.
type upsert struct {
	client   *Client
	usage    usage
	outcomes []contact.Outcome // each is written by whoever has the item

	mu        sync.Mutex
	answers   int     // requests that were answered usably
	failures  int     // in a row, for which one contact may be to blame
	stop      *Error  // why nothing more is to be sent
	suspects  []*item // those that failed so
	reachable bool    // the account's own read went through after such a failure

	checking sync.Mutex // held by the one who looks at the account
	checked  bool       // its attributes were looked at after a refusal
	fault    *Error     // what was found then; nil: the set-up is in order
}

// prepare settles the contacts that cannot be sent, and returns the others.
func (u *upsert) prepare(ctx context.Context, batch []contact.Contact) (items []*item) {
	for i, c := range batch {
		if why, bad := unsendable(c); bad {
			u.outcomes[i] = why
			continue
		}
		items = append(items, &item{row: i, email: c.Key(), alone: c.FailedAlone})
	}
	if len(items) == 0 {
		return nil
	}
	have, e := u.client.setup(ctx, &u.usage)
	if e != nil {
		u.stop = e
		for i, it := range items {
			if e.Kind == kindOutage && i < firstWave { // as if they had been sent
				it.failure = e
				u.suspects = append(u.suspects, it)
			} else {
				u.outcomes[it.row] = e.unsent()
			}
		}
		return nil
	}
	for _, it := range items {
		it.values, it.leftOut = have.values(u.client.options.Attributes, batch[it.row])
	}
	return items
}

// wave sends contacts side by side.
func (u *upsert) wave(ctx context.Context, items []*item) {
	var group errgroup.Group
	group.SetLimit(inFlight)
	for _, it := range items {
		group.Go(func() error {
			u.send(ctx, it)
			return nil
		})
	}
	_ = group.Wait() // no request returns an error: each has written its outcome
}

// send sends a contact and settles it.
func (u *upsert) send(ctx context.Context, it *item) {
	if e := u.stopReason(ctx); e != nil {
		u.outcomes[it.row] = e.unsent()
		return
	}
	res, e := u.post(ctx, it)
	if e != nil && e.Kind == kindNumber && it.dropNumbers() {
		res, e = u.post(ctx, it)
	}
	var id string
	if e == nil {
		id, e = u.id(ctx, it.email, res)
	}
	switch {
	case e == nil:
		u.answered()
		u.client.learnID(it.email, id)
		u.outcomes[it.row] = contact.Outcome{
			Verdict: contact.Synced, RemoteID: id, Created: res.status == http.StatusCreated, HTTPStatus: res.status,
		}
		if len(it.leftOut) > 0 {
			o := &u.outcomes[it.row]
			o.Code = contact.CodeInvalidValue
			o.Message = clip("in Brevo, but without " + strings.Join(it.leftOut, ", ") + ": the value is not one that Brevo takes, or another contact has the number")
		}
	case e.Kind == kindDoubted:
		u.doubted(ctx, it, e)
	case e.Some, e.Kind == kindOutage:
		u.suspect(ctx, it, e)
	case e.Kind == kindAccount, e.Kind == kindSetup, e.Kind == kindBusy:
		u.halt(e)
		u.outcomes[it.row] = e.outcome()
	default:
		if e.Kind != kindStopped {
			u.answered()
		}
		u.outcomes[it.row] = e.outcome()
	}
}

// post makes the request.
func (u *upsert) post(ctx context.Context, it *item) (answer, *Error) {
	body := map[string]any{"email": it.email, "attributes": it.values, "updateEnabled": true, "getId": true}
	if id := u.client.options.ListID; id != 0 {
		body["listIds"] = []int64{id}
	}
	data, err := json.Marshal(body)
	if err != nil {
		return answer{}, &Error{Kind: kindRow, Code: contact.CodeInvalidValue, Message: fmt.Sprintf("encode the request: %v", err)}
	}
	return u.client.call(ctx, &u.usage, http.MethodPost, "/contacts", data)
}

// dropNumbers has a contact go without the numbers that Brevo may have refused it for.
// It reports whether there were any.
func (it *item) dropNumbers() (dropped bool) {
	for _, name := range numbers {
		if _, sent := it.values[name]; sent {
			delete(it.values, name)
			it.leftOut = append(it.leftOut, name)
			dropped = true
		}
	}
	return dropped
}

// id returns the id of a contact that was written. An update does not tell it: then it
// is asked for by the email, unless it is known. It is empty for a contact that was
// deleted that very moment.
func (u *upsert) id(ctx context.Context, email string, res answer) (string, *Error) {
	if res.status != http.StatusNoContent && len(res.body) > 0 {
		return res.id()
	}
	if id := u.client.knownID(email); id != "" {
		return id, nil
	}
	return u.client.contactID(ctx, &u.usage, email)
}

// doubted goes on after a refusal that names an attribute or a list: the account shows
// whether the set-up is to blame. The words alone do not, for they may repeat what the
// row holds. As long as the account does not tell, the row is not to blame.
func (u *upsert) doubted(ctx context.Context, it *item, e *Error) {
	u.checking.Lock()
	defer u.checking.Unlock()
	if !u.checked {
		u.checked = true
		if _, u.fault = u.client.checkSetup(ctx, &u.usage); u.fault != nil {
			u.halt(u.fault)
		}
	}
	if u.fault != nil {
		u.outcomes[it.row] = u.fault.unsent()
		return
	}
	u.answered()
	u.outcomes[it.row] = e.outcome()
}

// suspect notes a contact that failed in a way that it, the account or Brevo may be to
// blame for. After a few in a row the account's own read shows whether to go on.
func (u *upsert) suspect(ctx context.Context, it *item, e *Error) {
	it.failure = e
	u.mu.Lock()
	u.suspects = append(u.suspects, it)
	u.failures++
	failures, answers := u.failures, u.answers
	u.mu.Unlock()
	if failures%patience != 0 {
		return
	}
	u.checking.Lock()
	defer u.checking.Unlock()
	if u.stopReason(ctx) != nil { // another one has looked: each look may take a timeout
		return
	}
	if !u.accountAnswers(ctx) || answers == 0 && failures >= mostFailures {
		u.halt(e)
	}
}

// accountAnswers asks for one contact, whichever, which writes nothing.
func (u *upsert) accountAnswers(ctx context.Context) bool {
	ok := u.client.read(ctx, &u.usage) == nil
	u.mu.Lock()
	defer u.mu.Unlock()
	u.reachable = ok
	return ok
}

func (u *upsert) answered() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.answers++
	u.failures = 0
}

// halt has nothing more sent. What the account is paused for is looked at anew before
// the next contact.
func (u *upsert) halt(e *Error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.stop == nil {
		u.stop = e
	}
}

// stopReason returns why nothing more may be sent; nil if it may.
func (u *upsert) stopReason(ctx context.Context) *Error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.stop == nil && ctx.Err() != nil {
		return stopped(false)
	}
	return u.stop
}

// report judges the contacts that failed for an unknown reason, and sums up. They are to
// blame themselves where others went through, or where they failed so before and the
// account answers.
func (u *upsert) report(ctx context.Context) contact.Report {
	r := contact.Report{Outcomes: u.outcomes}
	outage := u.answers == 0 && slices.ContainsFunc(u.suspects, func(it *item) bool { return it.failure.Kind == kindOutage })
	if len(u.suspects) > 0 && u.answers == 0 && !u.reachable && ctx.Err() == nil && u.stop == nil {
		u.accountAnswers(ctx)
	}
	var blamed *Error // the account's failure
	for _, it := range u.suspects {
		if u.answers > 0 || u.reachable && it.alone {
			u.outcomes[it.row] = it.failure.alone()
			continue
		}
		u.outcomes[it.row] = it.failure.outcome()
		if blamed == nil {
			blamed = it.failure
		}
	}
	for _, e := range []*Error{u.stop, blamed} {
		if e != nil && r.Pause == nil {
			r.Pause = e.pause()
		}
	}
	r.Outage, r.Reachable = outage, outage && u.reachable
	if r.Pause == nil && !r.Outage && len(u.suspects) == 0 && u.stop != nil && u.stop.Kind != kindStopped {
		// Nothing else holds the contacts back, which are due again at once.
		r.Pause = &contact.AccountPause{Code: u.stop.Code, Reason: u.stop.Message, Probe: true}
	}
	r.Requests = int(u.usage.requests.Load())
	r.Throttled = u.usage.waited()
	u.client.learn(u, r)
	return r
}

// isProven reports whether the last batch was answered usably throughout.
func (c *Client) isProven() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.proven
}

// learn keeps what a batch has shown for the next one.
func (c *Client) learn(u *upsert, r contact.Report) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case u.stop != nil && u.stop.Kind != kindStopped, len(u.suspects) > 0:
		c.proven = false
	case u.answers > 0:
		c.proven = true
	}
	if r.Pause != nil && u.stop != nil && u.stop.Kind == kindSetup {
		c.attributes = nil // it is looked at anew, by the probe
	}
}
