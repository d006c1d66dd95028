// Package hubspot sends contacts to HubSpot and reports what became of each. It
// exists so that nothing else has to know HubSpot: how a batch is keyed and
// answered, what each error means and whose fault it is, how fast requests may go,
// and which doubts a missing answer leaves. It decides nothing about rows. It repeats
// what HubSpot asks to repeat (423 and short 429), and tries a request that may have
// failed for some of its contacts in parts.
//
// Package api below it speaks the HTTP, package portal looks at the account and sets
// it up.
package hubspot

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/hubspot/api"
	"github.com/scrapersky/contactsync/internal/destination/hubspot/portal"
)

// Options is what a Client needs to know beside what the API needs.
type Options struct {
	api.Options

	Properties PropertyNames
	Today      func() time.Time // the sync date, in UTC; nil: time.Now
}

// Client sends contacts to one HubSpot account. Its methods may be called from
// several goroutines.
type Client struct {
	api        *api.Client
	properties PropertyNames
	today      func() time.Time

	mu      sync.Mutex // guards what follows
	proven  bool       // the last batch was answered usably: requests may go side by side
	missing []string   // properties that the account was paused for
}

var _ destination.Destination = (*Client)(nil)

// New checks the options and builds a client. It sends nothing.
func New(o Options) (*Client, error) {
	for _, m := range o.Properties.mapped() {
		o.Known = append(o.Known, m.Name)
	}
	speaking, err := api.New(o.Options)
	if err != nil {
		return nil, err
	}
	if o.Today == nil {
		o.Today = time.Now
	}
	return &Client{api: speaking, properties: o.Properties, today: o.Today}, nil
}

// Refresh reads the key again and uses it from the next request on. It reports
// whether it is another one than before.
func (c *Client) Refresh(ctx context.Context) (changed bool, err error) { return c.api.Refresh(ctx) }

// Limits returns what HubSpot's newest answers said of the requests that are left.
func (c *Client) Limits() destination.Limits { return c.api.Limits() }

// Account asks HubSpot whose the key is. The error is an *api.Error.
func (c *Client) Account(ctx context.Context) (destination.Account, error) {
	account, e := c.api.Account(ctx, new(api.Usage))
	if e != nil {
		return destination.Account{}, e
	}
	id := strconv.FormatInt(account.PortalID, 10)
	return destination.Account{ID: id, Name: "portal " + id, RecordURL: account.ContactURL("{id}")}, nil
}

// Mapped lists the properties that contacts are written to; the email, which is
// the key, is not among them.
func (c *Client) Mapped() []portal.Mapped { return c.properties.mapped() }

// Property asks for a property of contacts. It is not found where the account has
// none of that name, or has archived it. The error is an *api.Error.
func (c *Client) Property(ctx context.Context, name string) (p api.Property, found bool, err error) {
	p, found, e := c.api.Property(ctx, name)
	if e != nil {
		return api.Property{}, false, e
	}
	return p, found, nil
}

// Setup creates the account's own properties, as portal.Setup does.
func (c *Client) Setup(ctx context.Context, dryRun bool, report func(destination.Step)) error {
	return portal.Setup(ctx, c.api, c.Mapped(), dryRun, report)
}

// Preview returns what Upsert would do to contacts, one Change for each in their
// order, and writes nothing. Their keys must be distinct. The error is an *api.Error,
// and there is no change then.
func (c *Client) Preview(ctx context.Context, batch []contact.Contact) ([]destination.Change, error) {
	u := &upsert{client: c, outcomes: make([]contact.Outcome, len(batch))}
	items := u.validate(batch)
	wanted := make([]portal.Wanted, len(items))
	for i, it := range items {
		wanted[i] = portal.Wanted{Email: it.key, Values: it.properties}
	}
	sendable, e := portal.Preview(ctx, c.api, c.Mapped(), wanted)
	if e != nil {
		return nil, e
	}
	changes := make([]destination.Change, len(batch))
	for i, o := range u.outcomes {
		changes[i] = destination.Change{Effect: destination.Rejects, Code: o.Code, Message: o.Message}
	}
	for i, it := range items {
		changes[it.row] = sendable[i]
	}
	return changes, nil
}

// Probe asks, without writing anything, whether the account can be used: whether
// the key is accepted and is that of the right portal, and whether properties
// that were missing exist by now. The error is an *api.Error.
func (c *Client) Probe(ctx context.Context) error {
	e := c.api.CheckAccount(ctx, new(api.Usage))
	if e == nil {
		e = c.checkMissing(ctx)
	}
	if e != nil {
		return e
	}
	return nil
}
