package brevo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination"
)

// unknownFor is how long it is not asked again whose a key is when Brevo does not tell:
// it grants a hundred such requests an hour.
const unknownFor = 5 * time.Minute

// trust is what is known of the account of a key.
type trust struct {
	key   string
	until time.Time // zero: for as long as the key is in force
}

func (t trust) covers(key string) bool {
	return t.key == key && (t.until.IsZero() || time.Now().Before(t.until))
}

// Account asks Brevo whose the key is. It costs one of the hundred requests an hour that
// Brevo grants for calls that are not about contacts.
func (c *Client) Account(ctx context.Context) (destination.Account, error) {
	account, e := c.account(ctx)
	if e != nil {
		return destination.Account{}, e
	}
	return account, nil
}

func (c *Client) account(ctx context.Context) (destination.Account, *Error) {
	res, e := c.call(ctx, new(usage), http.MethodGet, accountPath, nil)
	if e != nil {
		return destination.Account{}, e
	}
	return res.account()
}

// account returns whose the key is that the request was made with.
func (a answer) account() (destination.Account, *Error) {
	var told struct {
		ID      string `json:"organization_id"`
		Company string `json:"companyName"`
	}
	if e := a.decode(&told); e != nil {
		return destination.Account{}, e
	}
	return destination.Account{ID: told.ID, Name: "account " + told.Company, RecordURL: "https://app.brevo.com/contact/index/{id}"}, nil
}

// mayUse returns why nothing may be done with a key; nil if it may. Only an account that
// is known to be another one, or a key that is refused, is a reason. An account that
// Brevo does not tell is none: it is asked for again later.
func (c *Client) mayUse(ctx context.Context, u *usage, key string, aboutToWrite bool) *Error {
	if c.options.Accept == nil {
		return nil
	}
	c.asking.Lock()
	defer c.asking.Unlock()
	if c.trusted.covers(key) {
		return nil
	}
	var account destination.Account
	res, e := c.roundTrip(ctx, u, key, http.MethodGet, accountPath, nil)
	if e == nil {
		account, e = res.account()
	}
	if e == nil && account.ID == "" {
		e = &Error{Message: "account without an organization_id"}
	}
	switch {
	case e == nil:
	case e.Kind == kindStopped, e.Status == http.StatusUnauthorized:
		e.InDoubt = false // no contact was sent
		return e
	default:
		c.options.Log.WarnContext(ctx, "account not available: writing without knowing whose it is", "error", e)
		c.trusted = trust{key, time.Now().Add(unknownFor)}
		return nil
	}
	known, err := c.options.Accept(ctx, account.ID, aboutToWrite)
	if other, is := errors.AsType[*destination.OtherAccountError](err); is {
		return &Error{Kind: kindAccount, Code: contact.CodeForbidden, Message: otherAccount(other)}
	}
	if err != nil { // our own database's trouble: no fault of the account
		return &Error{Kind: kindStopped, Code: contact.CodeOther, Message: clip(err.Error())}
	}
	if known {
		c.trusted = trust{key: key}
	}
	return nil
}

// otherAccount says what to do about a key of another account. The command that names
// one for HubSpot knows no other destination.
func otherAccount(e *destination.OtherAccountError) string {
	return clip(fmt.Sprintf("the key belongs to account %s, but the contacts of this database are synced to account %s: "+
		"set BREVO_API_KEY to that one's key and restart, or write it to BREVO_API_KEY_FILE; or, to go on with the other account from now on, "+
		"run as the database's owner: UPDATE contactsync.accounts SET account = '%s' WHERE destination = '%s'",
		e.Found, e.Known, strings.ReplaceAll(e.Found, "'", "''"), Info.Name))
}
