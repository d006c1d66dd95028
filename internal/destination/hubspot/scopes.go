package hubspot

import (
	"context"
	"net/http"
)

// The scopes of a key.
const (
	ScopeRead       = "crm.objects.contacts.read"
	ScopeWrite      = "crm.objects.contacts.write"
	ScopeProperties = "crm.schemas.contacts.write" // Setup alone needs it
)

// Granted says whether the key has a scope, by asking for something that comes
// to nothing: to read, write or create nothing at all. HubSpot is taken to look
// at the scopes before it looks at what is asked for; nobody has verified that
// on a real account. The error is an *APIError.
func (c *Client) Granted(ctx context.Context, scope string) (bool, error) {
	calls := map[string]request{
		ScopeRead:       {http.MethodPost, c.urls.contacts("/batch/read"), readBody{IDProperty: "email", Properties: []string{}, Inputs: []readKey{}}},
		ScopeWrite:      {http.MethodPost, c.urls.contacts("/batch/upsert"), upsertBody{Inputs: []upsertInput{}}},
		ScopeProperties: {http.MethodPost, c.urls.crm("properties", ""), propertyBody{}},
	}
	e := c.ask(ctx, calls[scope], new(ignored))
	switch {
	case e == nil, mayBeSome(e): // let in, and refused for what it asks
		return true, nil
	case e.Status == http.StatusForbidden:
		return false, nil
	}
	return false, e
}
