package hubspot

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination/hubspot/api"
	"github.com/scrapersky/contactsync/internal/destination/hubspot/portal"
)

// unknownReset is how long the account is left alone where it is not known when it
// can be used again.
const unknownReset = time.Hour

// pauseFor returns what a failure means for the account; nil where it is not the
// account's.
func (c *Client) pauseFor(ctx context.Context, usage *api.Usage, e *api.Error) *contact.AccountPause {
	pause := &contact.AccountPause{Code: e.Code}
	switch e.Kind {
	case api.KindAccount:
		pause.Reason, pause.Probe = accountReason(e), true
	case api.KindSetup:
		pause.Reason, pause.Probe = setupReason(e), true
	case api.KindDaily:
		pause.For = unknownReset
		if left, ok := c.api.UntilReset(ctx, usage, time.Now()); ok {
			pause.For = left
		}
		pause.Reason = "daily request limit of the account reached: " + e.Message
	case api.KindMigrating:
		pause.For = e.Wait
		if pause.For == 0 {
			pause.For = unknownReset
		}
		pause.Reason = "HubSpot is moving the account to another data center: " + e.Message
	case api.KindBusy:
		if e.LongWait() { // HubSpot says how long; otherwise the caller chooses
			pause.For = e.Wait
		}
		pause.Reason = "too many requests, perhaps of other apps with this account: " + e.Message
	default:
		return nil
	}
	pause.Reason = api.Clip(pause.Reason)
	return pause
}

func accountReason(e *api.Error) string {
	switch e.Status {
	case http.StatusUnauthorized:
		return e.Message + ". HubSpot rejected the key: set HUBSPOT_API_KEY to a valid one and restart, or write one to HUBSPOT_API_KEY_FILE"
	case 0:
		if e.Err != nil { // another account than the one that is synced to: it says what to do
			return e.Message + ". Nothing was sent"
		}
		return e.Message + ". Nothing was sent: correct one of the two and restart"
	}
	if e.Foreign {
		return e.Message + ". That is a page and not HubSpot's answer: a firewall or proxy on the way refuses the requests; let it pass them"
	}
	return e.Message + ". Give the key the scopes crm.objects.contacts.read and crm.objects.contacts.write"
}

func setupReason(e *api.Error) string {
	const create = "run `contactsync setup` with a key that has the scope " + portal.ScopeProperties + ", or create the property in HubSpot " +
		"(Settings > Properties), or correct the setting that names it; `contactsync doctor` shows the types"
	switch {
	case e.Code != contact.CodePropertyMissing:
		return e.Message + ". Unknown call: wrong HUBSPOT_API_VERSION or HUBSPOT_API_BASE_URL"
	case len(e.Properties) == 0:
		return e.Message + ". If a property is missing, " + create
	}
	return fmt.Sprintf("no such property in HubSpot, or read-only: %s; %s", strings.Join(e.Properties, ", "), create)
}

// checkMissing looks for the properties that the account was paused for. A key
// that may not see properties is no reason to stay paused: the next write shows.
func (c *Client) checkMissing(ctx context.Context) *api.Error {
	c.mu.Lock()
	names := slices.Clone(c.missing)
	c.mu.Unlock()
	for _, name := range names {
		p, found, e := c.api.Property(ctx, name)
		switch {
		case e == nil && (!found || p.ReadOnly):
			return &api.Error{
				Code: contact.CodePropertyMissing, Kind: api.KindSetup, Properties: []string{name},
				Message: fmt.Sprintf("property %q does not exist in HubSpot, or is read-only", name),
			}
		case e != nil && e.Kind != api.KindAccount:
			return e
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.missing = slices.DeleteFunc(c.missing, func(name string) bool { return slices.Contains(names, name) })
	return nil
}
