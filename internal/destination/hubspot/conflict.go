package hubspot

import (
	"context"
	"net/http"
	"net/url"

	"github.com/scrapersky/contactsync/internal/contact"
)

// mend settles a contact that HubSpot has but does not find by its email: it
// changes the contact by its id, once. A failure of that is classified as any
// other; a second conflict is final.
func (s *sending) mend(ctx context.Context, it *item, conflict *APIError) {
	id, e := s.existingContact(ctx, it, conflict)
	if e == nil {
		e = s.patch(ctx, it, id)
	}
	switch {
	case e == nil:
		s.outcomes[it.row] = contact.Outcome{Verdict: contact.Synced, RemoteID: id, HTTPStatus: http.StatusOK}
		return
	case e.kind == kindRow, e.kind == kindConflict, e.kind == kindOther:
	default:
		s.fail(ctx, e)
	}
	s.outcomes[it.row] = e.outcome()
}

// existingContact is the id of the contact that a conflict is about.
func (s *sending) existingContact(ctx context.Context, it *item, conflict *APIError) (string, *APIError) {
	if conflict.existing != "" {
		return conflict.existing, nil
	}
	ids, e := s.lookUp(ctx, []string{it.key})
	if e != nil {
		return "", e
	}
	if ids[it.key] == "" {
		return "", conflict
	}
	return ids[it.key], nil
}

// patch changes a contact by its id.
func (s *sending) patch(ctx context.Context, it *item, id string) *APIError {
	var changed result
	call := request{http.MethodPatch, s.client.urls.contacts("/" + url.PathEscape(id)), patchBody{it.properties}}
	e := s.repair(ctx, call, &changed)
	switch {
	case e == nil && changed.id() != id:
		e = unusable(http.StatusOK, "the answer is not about contact %s", id)
		e.kind, e.Code = kindOther, contact.CodeNotConfirmed
	case e != nil && e.Status == http.StatusNotFound:
		// The contact was merged or deleted meanwhile: the next upsert by email
		// meets what is there then.
		e.kind, e.Code = kindOther, contact.CodeNotFound
	}
	return e
}

// lookUp asks HubSpot which contacts some addresses lead to, secondary ones
// included. It returns ids by address; addresses that lead nowhere are missing.
func (s *sending) lookUp(ctx context.Context, keys []string) (map[string]string, *APIError) {
	var answer batchAnswer
	if e := s.repair(ctx, s.client.readCall(keys), &answer); e != nil {
		return nil, e
	}
	ids := make(map[string]string, len(keys))
	for i := range answer.Results {
		r := &answer.Results[i]
		for _, address := range r.addresses() {
			ids[address] = r.id()
		}
	}
	return ids, nil
}

// readCall asks for the contacts that some addresses lead to: the addresses of
// each, and the properties named.
func (c *Client) readCall(keys []string, properties ...string) request {
	body := readBody{IDProperty: "email", Properties: append([]string{"email", secondaryEmails}, properties...)}
	for _, key := range keys {
		body.Inputs = append(body.Inputs, readKey{key})
	}
	return request{http.MethodPost, c.urls.contacts("/batch/read"), body}
}

// keysOf are the addresses of items.
func keysOf(items []*item) []string {
	keys := make([]string, len(items))
	for i, it := range items {
		keys[i] = it.key
	}
	return keys
}

// repair sends a request that mends something for a row, unless the batch has
// been stopped.
func (s *sending) repair(ctx context.Context, call request, answer any) *APIError {
	if e := s.stopReason(ctx); e != nil {
		return &APIError{Code: e.Code, Message: "not mended: " + e.Message, Err: e, kind: kindStopped}
	}
	return s.patiently(ctx, func() *APIError { return s.client.do(ctx, &s.tally, call, answer) })
}
