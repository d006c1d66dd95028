package hubspot

import (
	"context"
	"net/http"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination/hubspot/api"
)

// resolveConflict settles a contact that HubSpot has but does not find by its email:
// it changes the contact by its id, once. A failure of that is classified as any
// other; a second conflict is final.
func (u *upsert) resolveConflict(ctx context.Context, it *item, conflict *api.Error) {
	id, e := u.existingContact(ctx, it, conflict)
	if e == nil {
		e = u.update(ctx, it, id)
	}
	switch {
	case e == nil:
		u.set(it, contact.Outcome{Verdict: contact.Synced, RemoteID: id, HTTPStatus: http.StatusOK})
		return
	case e.MayBeSome():
		it.doubt = it.doubt || e.InDoubt
		u.failedAlone(it, e)
		return
	case e.Kind == api.KindRow, e.Kind == api.KindConflict, e.Kind == api.KindOther:
	default:
		u.fail(ctx, e)
	}
	u.set(it, e.Outcome())
}

// existingContact returns the id of the contact that a conflict is about.
func (u *upsert) existingContact(ctx context.Context, it *item, conflict *api.Error) (string, *api.Error) {
	if conflict.ExistingID != "" {
		return conflict.ExistingID, nil
	}
	ids, e := u.lookUp(ctx, []*item{it})
	if e != nil {
		return "", e
	}
	if ids[it.key] == "" {
		return "", conflict
	}
	return ids[it.key], nil
}

// update changes a contact by its id.
func (u *upsert) update(ctx context.Context, it *item, id string) *api.Error {
	var changed api.Result
	e := u.repair(ctx, u.client.api.UpdateRequest(id, it.properties), &changed)
	switch {
	case e == nil && changed.RemoteID() != id:
		return &api.Error{
			Code: contact.CodeNotConfirmed, Kind: api.KindOther, Status: http.StatusOK,
			Message: "not confirmed: HubSpot's response is not about contact " + id,
		}
	case e != nil && e.Status == http.StatusNotFound:
		// The contact was merged or deleted meanwhile: the next upsert by email
		// meets what is there then.
		e.Kind, e.Code = api.KindOther, contact.CodeNotFound
	}
	return e
}

// lookUp asks HubSpot which contacts the addresses of items lead to, secondary ones
// included. It returns ids by address; addresses that lead nowhere are missing.
func (u *upsert) lookUp(ctx context.Context, items []*item) (map[string]string, *api.Error) {
	keys := make([]string, len(items))
	for i, it := range items {
		keys[i] = it.key
	}
	var answer api.BatchAnswer
	if e := u.repair(ctx, u.client.api.ReadRequest(keys), &answer); e != nil {
		return nil, e
	}
	ids := make(map[string]string, len(items))
	for i := range answer.Results {
		r := &answer.Results[i]
		for _, address := range r.Addresses() {
			ids[address] = r.RemoteID()
		}
	}
	return ids, nil
}

// repair sends a request that resolves something for a row, unless the batch has
// been stopped.
func (u *upsert) repair(ctx context.Context, r api.Request, answer any) *api.Error {
	if e := u.stopReason(ctx); e != nil {
		return &api.Error{Code: e.Code, Message: api.Clip("conflict not resolved: " + e.Message), Err: e, Kind: api.KindStopped}
	}
	return u.client.api.Call(ctx, &u.usage, r, answer)
}
