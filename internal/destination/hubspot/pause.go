package hubspot

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

// unknownReset is how long the account is left alone where nobody says when it
// can be used again.
const unknownReset = time.Hour

// pauseFor is what a failure means for the account; nil where it is not the
// account's.
func (c *Client) pauseFor(ctx context.Context, t *tally, e *APIError) *contact.Pause {
	pause := &contact.Pause{Code: e.Code}
	switch e.kind {
	case kindAccount:
		pause.Reason, pause.Probe = accountReason(e), true
	case kindSetup:
		pause.Reason, pause.Probe = setupReason(e), true
	case kindDaily:
		pause.For = c.untilReset(ctx, t, time.Now())
		pause.Reason = "the account's requests for today are used up: " + e.Message
	case kindMigrating:
		pause.For = e.wait
		if pause.For == 0 {
			pause.For = unknownReset
		}
		pause.Reason = "HubSpot is moving the account to another data center: " + e.Message
	case kindBusy:
		pause.For = e.wait // where HubSpot says so; otherwise the caller's choice
		if e.wait <= longestWait {
			pause.For = 0
		}
		pause.Reason = "HubSpot goes on refusing requests because there are too many of them, other apps' perhaps: " + e.Message
	default:
		return nil
	}
	pause.Reason = clip(pause.Reason)
	return pause
}

func accountReason(e *APIError) string {
	switch e.Status {
	case http.StatusUnauthorized:
		return e.Message + ". HubSpot refuses the key: set HUBSPOT_API_KEY to a valid one and restart, or write one to HUBSPOT_API_KEY_FILE"
	case 0:
		return e.Message + ". Nothing was sent: correct one of the two and restart"
	}
	return e.Message + ". Give the key the scopes crm.objects.contacts.read and crm.objects.contacts.write"
}

func setupReason(e *APIError) string {
	const create = "run `contactsync setup` with a key that has the scope " + ScopeProperties + ", or create the property in HubSpot " +
		"(Settings > Properties), or correct the setting that names it; `contactsync doctor` tells the types"
	switch {
	case e.Code != contact.CodePropertyMissing:
		return e.Message + ". HubSpot does not know the call: wrong HUBSPOT_API_VERSION or HUBSPOT_API_BASE_URL"
	case len(e.properties) == 0:
		return e.Message + ". If a property is missing, " + create
	}
	return fmt.Sprintf("HubSpot has no property %s that can be written: %s", strings.Join(e.properties, ", "), create)
}
