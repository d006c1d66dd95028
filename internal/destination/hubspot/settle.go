package hubspot

import (
	"context"
	"net/http"

	"github.com/scrapersky/contactsync/internal/contact"
)

// settle gives each contact of an answered request its outcome. What HubSpot
// names as the row's fault costs that row alone; an input that is in neither
// results nor errors is not known to be written, and never counts as synced.
func (s *sending) settle(ctx context.Context, items []*item, answer *tracedAnswer) {
	m := match(items, answer)
	for it, r := range m.results {
		s.outcomes[it.row] = synced(r)
	}
	for _, p := range m.loose {
		if e := s.client.rowError(p); e.kind == kindSetup {
			s.fail(ctx, e)
			s.leave(e, m.unknown)
			m.unknown = nil
		}
	}
	var conflicts []*item
	for _, it := range items {
		if p := m.problems[it]; p != nil {
			e := s.client.rowError(p)
			s.outcomes[it.row] = e.outcome()
			switch e.kind {
			case kindSetup:
				s.fail(ctx, e)
			case kindConflict:
				conflicts = append(conflicts, it)
			}
		}
	}
	for _, it := range conflicts {
		s.mend(ctx, it, s.client.rowError(m.problems[it]))
	}
	s.settleUnknown(ctx, &m)
}

// settleUnknown settles what the answer leaves open. Results that name no input
// may belong to secondary addresses, which lead to contacts under other ones.
// Errors that name no input belong to some of the rest: alone each gets its own.
func (s *sending) settleUnknown(ctx context.Context, m *matched) {
	if len(m.unknown) > 0 && len(m.stray) > 0 {
		s.claimStray(ctx, m)
	}
	if len(m.unknown) > 1 && len(m.loose) > 0 {
		s.halve(ctx, m.unknown)
		return
	}
	for _, it := range m.unknown {
		s.outcomes[it.row] = contact.Outcome{
			Verdict: contact.Retry, Code: contact.CodeNotConfirmed, HTTPStatus: http.StatusOK,
			Message: "HubSpot answered without a word about this contact",
		}
	}
}

// claimStray asks HubSpot which contacts the addresses lead to that got no
// result, and gives them the results of those.
func (s *sending) claimStray(ctx context.Context, m *matched) {
	ids, e := s.lookUp(ctx, keysOf(m.unknown))
	if e != nil {
		return // they stay unknown, and try again
	}
	byID := make(map[string]*result, len(m.stray))
	for _, r := range m.stray {
		byID[r.id()] = r
	}
	var rest []*item
	for _, it := range m.unknown {
		if r := byID[ids[it.key]]; r != nil {
			s.outcomes[it.row] = synced(r)
		} else {
			rest = append(rest, it)
		}
	}
	m.unknown = rest
}

func synced(r *result) contact.Outcome {
	return contact.Outcome{
		Verdict: contact.Synced, RemoteID: r.id(), Created: r.New.V, HTTPStatus: http.StatusOK,
	}
}

// rowError is what HubSpot says about one row of a batch.
func (c *Client) rowError(p *problem) *APIError {
	kind, code := classifyRow(p)
	e := newAPIError(http.StatusMultiStatus, kind, code, p)
	if e.Message == "" {
		e.Message = ": no reason given"
	}
	e.Message = "refused by HubSpot" + e.Message
	return c.present(e)
}
