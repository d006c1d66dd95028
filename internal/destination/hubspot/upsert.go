package hubspot

import (
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/scrapersky/contactsync/internal/contact"
)

const (
	// maxInputs is how many contacts HubSpot takes in one request.
	maxInputs = 100
	// sideBySide is how many requests of one batch go at the same time.
	sideBySide = 4
	// mostRequests is how many may be under way at a time. internal/drain sends eight
	// batches at most, of more than 100 contacts fewer: the most are seven batches of
	// two requests, and there is room for two more (probes, halves of a refused batch).
	// With fewer connections requests would wait after the gate.
	mostRequests = 16
)

// Upsert writes contacts to HubSpot, keyed by their emails, and answers exactly
// one outcome for each, in their order, whatever happens. Their keys (see
// contact.Contact.Key) must be distinct; there may be any number of them.
//
// When ctx ends, what has not been sent is Unspent, and what has been sent and
// not answered is Unspent and in doubt. As long as the account is not known to
// work, one request goes first, and the others only if it was answered usably;
// an answer that concerns every row, and an outage, stop the batch: what has
// not been sent by then is Unspent.
func (c *Client) Upsert(ctx context.Context, batch []contact.Contact) contact.Report {
	s := &sending{client: c, outcomes: make([]contact.Outcome, len(batch))}
	if items := s.sift(batch); len(items) > 0 {
		s.sendAll(ctx, items)
		c.learn(s)
	}
	return contact.Report{
		Outcomes: s.outcomes, Pause: s.pause, Outage: s.outage && !s.usable,
		Requests: int(s.requests.Load()), Throttled: time.Duration(s.throttled.Load()),
	}
}

// item is one contact on its way.
type item struct {
	row        int // its place in the batch
	key        string
	properties map[string]string
}

// sending is the state of one Upsert.
type sending struct {
	client *Client
	tally
	outcomes []contact.Outcome // each is written by whoever has the item

	mu      sync.Mutex
	usable  bool           // a request was answered usably
	outage  bool           // a request was not, for which HubSpot or the way there is to blame
	failure *APIError      // the first failure of a whole request
	stop    *APIError      // why nothing more is to be sent
	pause   *contact.Pause // what stop means for the account
}

// sift settles the contacts that cannot be sent, and returns the others.
func (s *sending) sift(batch []contact.Contact) []*item {
	today := s.client.today()
	items := make([]*item, 0, len(batch))
	for i, c := range batch {
		if why, bad := unsendable(c); bad {
			s.outcomes[i] = why
			continue
		}
		items = append(items, &item{row: i, key: c.Key(), properties: s.client.properties.values(c, today)})
	}
	return items
}

func (s *sending) sendAll(ctx context.Context, items []*item) {
	chunks := slices.Collect(slices.Chunk(items, maxInputs))
	if e := s.client.wrongPortal(ctx, &s.tally); e != nil {
		s.refuseUnsent(ctx, e, chunks)
		return
	}
	if !s.client.isProven() {
		s.send(ctx, chunks[0])
		chunks = chunks[1:]
		if e := s.unproven(); e != nil {
			s.leave(e, slices.Concat(chunks...))
			return
		}
	}
	var group errgroup.Group
	group.SetLimit(sideBySide)
	for _, chunk := range chunks {
		group.Go(func() error {
			s.send(ctx, chunk)
			return nil
		})
	}
	_ = group.Wait() // no send returns an error: each has written its outcomes
}

// refuseUnsent settles a batch of which nothing may be sent. A key that is
// refused costs the first request's rows an attempt, just as if it had been
// sent, so that the rows tell what is wrong.
func (s *sending) refuseUnsent(ctx context.Context, e *APIError, chunks [][]*item) {
	s.fail(ctx, e)
	if e.kind == kindAccount && e.Status != 0 {
		for _, it := range chunks[0] {
			s.outcomes[it.row] = e.outcome()
		}
		chunks = chunks[1:]
	}
	s.leave(e, slices.Concat(chunks...))
}

// leave settles rows that are not sent because of a failure.
func (s *sending) leave(e *APIError, items []*item) {
	for _, it := range items {
		s.outcomes[it.row] = e.unsent()
	}
}

// unproven is why no second request may go after the first; nil if it may.
func (s *sending) unproven() *APIError {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop != nil {
		return s.stop
	}
	return s.failure
}

// stopReason is why nothing more may be sent; nil if it may.
func (s *sending) stopReason(ctx context.Context) *APIError {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop == nil && ctx.Err() != nil {
		return stopped(ctx, false)
	}
	return s.stop
}

// fail notes that a whole request failed, or that a row's failure concerns every
// row. The first failure of a kind that concerns every row stops the batch, and
// may pause the account.
func (s *sending) fail(ctx context.Context, e *APIError) {
	if !s.noteFailure(e) {
		return
	}
	pause := s.client.pauseFor(ctx, &s.tally, e) // may ask HubSpot
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pause = pause
}

// noteFailure reports whether the failure is the one that stops the batch.
func (s *sending) noteFailure(e *APIError) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outage = s.outage || e.kind == kindOutage
	if s.failure == nil && e.kind != kindStopped {
		s.failure = e
	}
	if s.stop != nil || e.kind == kindOther {
		return false
	}
	s.stop = e
	return true
}

// succeed notes that a request was answered usably.
func (s *sending) succeed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.usable = true
}
