package portal

import (
	"context"
	"net/http"

	"github.com/scrapersky/contactsync/internal/destination/hubspot/api"
)

// The scopes of a key.
const (
	ScopeRead       = "crm.objects.contacts.read"
	ScopeWrite      = "crm.objects.contacts.write"
	ScopeProperties = "crm.schemas.contacts.write" // Setup alone needs it
)

// Granted reports whether the key has a scope. It asks for something that comes to
// nothing: to read, write or create nothing at all. It assumes that HubSpot looks
// at the scopes before it looks at what is asked for; nobody has verified that on a
// real account. The error is an *api.Error.
func Granted(ctx context.Context, c *api.Client, scope string) (bool, error) {
	calls := map[string]api.Request{
		ScopeRead:       c.ReadRequest(nil),
		ScopeWrite:      c.UpsertRequest([]api.Input{}),
		ScopeProperties: c.CreatePropertyRequest(api.NewProperty{}),
	}
	e := c.Do(ctx, calls[scope])
	switch {
	case e == nil, e.Refused(): // let in, and refused for what it asks
		return true, nil
	case e.Status == http.StatusForbidden:
		return false, nil
	}
	return false, e
}
