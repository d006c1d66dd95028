package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination"
)

// Account is the account that the key belongs to.
type Account struct {
	PortalID int64
	UIDomain string // where people see it: app.hubspot.com, or that of a region
	TimeZone string // an IANA name; its midnight ends the day of the daily limit

	offset time.Duration // to UTC right now, for where the name is not known here
}

// defaultUIDomain is where most accounts live.
const defaultUIDomain = "app.hubspot.com"

// ContactURL returns where a person sees a contact of the account.
func (a Account) ContactURL(remoteID string) string {
	return fmt.Sprintf("https://%s/contacts/%d/record/0-1/%s", a.UIDomain, a.PortalID, remoteID)
}

// Account asks HubSpot whose the key is.
func (c *Client) Account(ctx context.Context, usage *Usage) (Account, *Error) {
	var answer struct {
		PortalID Loose[int64]   `json:"portalId"`
		UIDomain Text           `json:"uiDomain"`
		TimeZone Text           `json:"timeZone"`
		OffsetMS Loose[float64] `json:"utcOffsetMilliseconds"`
	}
	r := Request{method: http.MethodGet, url: c.urls.account("/details"), once: true}
	if e := c.Call(ctx, usage, r, &answer); e != nil {
		return Account{}, e
	}
	if answer.PortalID.V == 0 {
		return Account{}, c.sanitize(unusable(http.StatusOK, "account details without a portal id"))
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

// KnownAccount returns the account as last seen; nil when it was never seen with the
// present key.
func (c *Client) KnownAccount() *Account {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.account
}

// unknownFor is how long it is not asked again whose a key is that may not see that.
const unknownFor = 5 * time.Minute

// CheckAccount asks HubSpot whether the key is accepted and is that of the right
// account. It writes nothing.
func (c *Client) CheckAccount(ctx context.Context, usage *Usage) *Error {
	token := c.credentials.token()
	account, e := c.Account(ctx, usage)
	if e == nil {
		e = c.checkAccount(ctx, account, token, false)
	}
	return e
}

// MayWrite returns why nothing may be written at all; nil if it may. Only an
// account that is known to be another one, or a key that is refused, is a reason.
// Details that cannot be had are none: they are asked for again later.
func (c *Client) MayWrite(ctx context.Context, usage *Usage) *Error {
	_, e := c.writingToken(ctx, usage)
	return e
}

// writingToken returns the token to write with, once it is known to belong to the
// right account: one that is rotated between two requests may be another account's.
func (c *Client) writingToken(ctx context.Context, usage *Usage) (string, *Error) {
	for {
		token := c.credentials.token()
		if c.mayBeUsed(token) {
			return token, nil
		}
		account, e := c.Account(ctx, usage)
		switch {
		case c.credentials.token() != token: // the answer may be about either of the two
			continue
		case e == nil:
			return token, c.checkAccount(ctx, account, token, true)
		case e.Kind == KindStopped, e.Kind == KindAccount && c.portalID != 0:
			return token, e
		}
		c.log.WarnContext(ctx, "account details not available: writing without knowing whose account it is", "error", e)
		c.mu.Lock()
		c.unknown = time.Now().Add(unknownFor)
		c.mu.Unlock()
		return token, nil
	}
}

// mayBeUsed reports whether nothing has to be asked before a token is written with.
func (c *Client) mayBeUsed(token string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.verified == token || c.portalID == 0 && (c.accept == nil || time.Now().Before(c.unknown))
}

// distrust has the portal of a token checked again before the next write: a key that
// was refused may be another account's when it works again.
func (c *Client) distrust(token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.verified == token {
		c.verified = ""
	}
}

// checkAccount makes sure that the account of a token may be written to.
func (c *Client) checkAccount(ctx context.Context, account Account, token string, aboutToWrite bool) *Error {
	if c.portalID != 0 && account.PortalID != c.portalID {
		return &Error{
			Code: contact.CodeForbidden, Kind: KindAccount,
			Message: fmt.Sprintf("the key belongs to portal %d, but HUBSPOT_PORTAL_ID is %d", account.PortalID, c.portalID),
		}
	}
	known := true
	if c.accept != nil {
		var err error
		known, err = c.accept(ctx, strconv.FormatInt(account.PortalID, 10), aboutToWrite)
		if _, other := errors.AsType[*destination.OtherAccountError](err); other {
			return &Error{Code: contact.CodeForbidden, Kind: KindAccount, Message: err.Error(), Err: err}
		}
		if err != nil { // our own database's trouble: no fault of the account
			return &Error{Code: contact.CodeOther, Kind: KindStopped, Message: err.Error(), Err: err}
		}
	}
	if c.credentials.token() != token || !known { // it was replaced meanwhile
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.verified = token
	return nil
}
