package hubspot

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

// Account is what HubSpot tells about the account that the key belongs to.
type Account struct {
	PortalID int64
	UIDomain string // where people see it: app.hubspot.com, or that of a region
	TimeZone string // an IANA name; its midnight ends the day of the daily limit

	offset time.Duration // to UTC right now, for where the name is not known here
}

// defaultUIDomain is where most accounts live.
const defaultUIDomain = "app.hubspot.com"

// Account asks HubSpot whose the key is. The error is an *APIError.
func (c *Client) Account(ctx context.Context) (Account, error) {
	account, e := c.fetchAccount(ctx, new(tally))
	if e != nil {
		return Account{}, e
	}
	return account, nil
}

func (c *Client) fetchAccount(ctx context.Context, t *tally) (Account, *APIError) {
	var answer struct {
		PortalID loose[int64]   `json:"portalId"`
		UIDomain text           `json:"uiDomain"`
		TimeZone text           `json:"timeZone"`
		OffsetMS loose[float64] `json:"utcOffsetMilliseconds"`
	}
	call := request{method: http.MethodGet, url: c.urls.account("/details")}
	if e := c.do(ctx, t, call, &answer); e != nil {
		return Account{}, e
	}
	if answer.PortalID.V == 0 {
		return Account{}, c.present(unusable(http.StatusOK, "the account's details name no portal"))
	}
	account := Account{
		PortalID: answer.PortalID.V, UIDomain: string(answer.UIDomain), TimeZone: string(answer.TimeZone),
		offset: time.Duration(max(-24*60, min(24*60, answer.OffsetMS.V/60_000))) * time.Minute,
	}
	if account.UIDomain == "" {
		account.UIDomain = defaultUIDomain
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.account = &account
	return account, nil
}

// ContactURL is where a person sees a contact of the account.
func (a Account) ContactURL(remoteID string) string {
	return fmt.Sprintf("https://%s/contacts/%d/record/0-1/%s", a.UIDomain, a.PortalID, remoteID)
}

// Probe asks, without writing anything, whether the account can be used: whether
// the key is accepted and is that of the right portal, and whether properties
// that were missing exist by now. The error is an *APIError.
func (c *Client) Probe(ctx context.Context) error {
	token := c.keys.token()
	account, e := c.fetchAccount(ctx, new(tally))
	if e == nil {
		e = c.checkPortal(account, token)
	}
	if e == nil {
		e = c.checkMissing(ctx)
	}
	if e != nil {
		return e
	}
	return nil
}

// wrongPortal says why nothing may be written at all; nil if it may. Only an
// account that is known to be another one, or a key that is refused, is a
// reason: details that cannot be had are not, and are asked for again with the
// next batch.
func (c *Client) wrongPortal(ctx context.Context, t *tally) *APIError {
	_, e := c.writingToken(ctx, t)
	return e
}

// writingToken is the token to write with, once it is known to belong to the right
// portal: one that is rotated in between two requests may be another account's.
func (c *Client) writingToken(ctx context.Context, t *tally) (string, *APIError) {
	for {
		token := c.keys.token()
		if c.portalID == 0 || c.isVerified(token) {
			return token, nil
		}
		account, e := c.fetchAccount(ctx, t)
		switch {
		case c.keys.token() != token: // nobody knows which of the two was asked for
			continue
		case e == nil:
			return token, c.checkPortal(account, token)
		case e.kind == kindAccount, e.kind == kindStopped:
			return token, e
		}
		c.log.WarnContext(ctx, "HubSpot does not tell which account the key belongs to", "error", e)
		return token, nil
	}
}

func (c *Client) isVerified(token string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.verified == token
}

// checkPortal checks what was told of a token.
func (c *Client) checkPortal(account Account, token string) *APIError {
	if c.portalID != 0 && account.PortalID != c.portalID {
		return &APIError{
			Code: contact.CodeForbidden, kind: kindAccount,
			Message: fmt.Sprintf("the key belongs to portal %d, but HUBSPOT_PORTAL_ID is %d", account.PortalID, c.portalID),
		}
	}
	if c.keys.token() != token { // it was replaced while it was asked for
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.verified = token
	return nil
}

// checkMissing looks for the properties that the account was paused for. A key
// that may not see properties is no reason to stay paused: the next write tells.
func (c *Client) checkMissing(ctx context.Context) *APIError {
	c.mu.Lock()
	names := slices.Clone(c.missing)
	c.mu.Unlock()
	for _, name := range names {
		p, found, e := c.fetchProperty(ctx, name)
		switch {
		case e == nil && (!found || p.ReadOnly):
			return c.present(&APIError{
				Code: contact.CodePropertyMissing, kind: kindSetup, properties: []string{name},
				Message: fmt.Sprintf("property %q does not exist in HubSpot, or is read-only", name),
			})
		case e != nil && e.kind != kindAccount:
			return e
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.missing = slices.DeleteFunc(c.missing, func(name string) bool { return slices.Contains(names, name) })
	return nil
}
