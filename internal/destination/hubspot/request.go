package hubspot

import (
	"context"
	"crypto/rand"
	"net/http"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination/hubspot/api"
)

// request sends the contacts of one request and settles them. It reports whether it
// was answered usably. If HubSpot refuses the request for some of its rows, it is
// halved until they are alone: at most 2n-1 requests for n rows.
func (u *upsert) request(ctx context.Context, items []*item) (answered bool) {
	if e := u.stopReason(ctx); e != nil {
		u.markUnsent(e, items)
		return false
	}
	inputs, traces := make([]api.Input, len(items)), make(map[string]*item, len(items))
	for i, it := range items {
		trace := rand.Text()
		traces[trace] = it
		inputs[i] = api.Input{ID: it.key, IDProperty: api.ByEmail, TraceID: trace, Properties: it.properties}
	}
	call := u.client.api.UpsertRequest(inputs)
	if u.isBusy() {
		call = call.Hasty()
	}
	var answer api.BatchAnswer
	e := u.client.api.Call(ctx, &u.usage, call, &answer)
	switch {
	case e == nil:
		u.succeed()
		u.settle(ctx, items, match(items, traces, &answer))
		return true
	case e.OfRows():
		u.succeed()
		u.refused(ctx, items, e)
		return true
	case e.Kind == api.KindAccount && e.Status == 0: // it was not even sent
		u.fail(ctx, e)
		u.markUnsent(e, items)
		return false
	}
	for _, it := range items {
		it.doubt = it.doubt || e.InDoubt
	}
	if e.MayBeSome() {
		u.suspect(ctx, items, e)
		return false
	}
	u.failAll(ctx, items, e)
	return false
}

// refused goes on after HubSpot has refused a request for some of its rows.
func (u *upsert) refused(ctx context.Context, items []*item, e *api.Error) {
	switch {
	case len(items) > 1:
		u.halve(ctx, items)
	case e.Kind == api.KindConflict:
		u.resolveConflict(ctx, items[0], e)
	default:
		u.set(items[0], e.Outcome())
	}
}

// failAll settles the rows of a request that failed for none of them.
func (u *upsert) failAll(ctx context.Context, items []*item, e *api.Error) {
	u.fail(ctx, e)
	for _, it := range items {
		u.set(it, e.Outcome())
	}
}

func (u *upsert) halve(ctx context.Context, items []*item) {
	half := len(items) / 2
	u.request(ctx, items[:half])
	u.request(ctx, items[half:])
}

// settle sets the outcome of each contact of an answered request. What HubSpot
// names as the row's fault costs that row alone; an input that is in neither
// results nor errors is not known to be written, and never counts as synced.
func (u *upsert) settle(ctx context.Context, items []*item, m matched) {
	for it, r := range m.results {
		u.set(it, synced(r))
	}
	for _, p := range m.loose {
		if e := u.client.api.RowError(p); e.Kind == api.KindSetup {
			u.fail(ctx, e)
			u.markUnsent(e, m.unknown)
			m.unknown = nil
		}
	}
	var conflicts []*item
	for _, it := range items {
		if p := m.problems[it]; p != nil {
			e := u.client.api.RowError(p)
			u.set(it, e.Outcome())
			switch e.Kind {
			case api.KindSetup:
				u.fail(ctx, e)
			case api.KindConflict:
				conflicts = append(conflicts, it)
			}
		}
	}
	for _, it := range conflicts {
		u.resolveConflict(ctx, it, u.client.api.RowError(m.problems[it]))
	}
	u.settleUnknown(ctx, &m)
}

// settleUnknown settles what the answer leaves open. Results that name no input
// may belong to secondary addresses, which lead to contacts under other ones.
// Errors that name no input belong to some of the rest: alone each gets its own.
func (u *upsert) settleUnknown(ctx context.Context, m *matched) {
	if len(m.unknown) > 0 && len(m.stray) > 0 {
		u.matchByID(ctx, m)
	}
	if len(m.unknown) > 1 && len(m.loose) > 0 {
		u.halve(ctx, m.unknown)
		return
	}
	for _, it := range m.unknown {
		u.set(it, contact.Outcome{
			Verdict: contact.Retry, Code: contact.CodeNotConfirmed, HTTPStatus: http.StatusOK,
			Message: "not confirmed: HubSpot's response does not mention this contact",
		})
	}
}

// matchByID asks HubSpot which contacts the addresses without a result lead to, and
// matches the results to them by the contacts' ids.
func (u *upsert) matchByID(ctx context.Context, m *matched) {
	ids, e := u.lookUp(ctx, m.unknown)
	if e != nil {
		return // they stay unknown, and try again
	}
	byID := make(map[string]*api.Result, len(m.stray))
	for _, r := range m.stray {
		byID[r.RemoteID()] = r
	}
	var rest []*item
	for _, it := range m.unknown {
		if r := byID[ids[it.key]]; r != nil {
			u.set(it, synced(r))
		} else {
			rest = append(rest, it)
		}
	}
	m.unknown = rest
}

func synced(r *api.Result) contact.Outcome {
	return contact.Outcome{
		Verdict: contact.Synced, RemoteID: r.RemoteID(), Created: r.New.V, HTTPStatus: http.StatusOK,
	}
}
