// Package brevo sends contacts to Brevo and reports what became of each. It exists so
// that nothing else has to know Brevo: that an update has no body, that an attribute
// which does not exist vanishes without a word, that a bad phone number refuses a whole
// contact, and whose fault each refusal is. It decides nothing about rows.
//
// Of what Brevo takes it never sends what can harm: the blocklist's flags (false
// subscribes people again who had left), forceMerge (it deletes the other contact),
// ext_id (rows may share an email), EMAIL as an attribute and nulls. It moves no contact
// to another address either: a move lifts a blocklisting.
package brevo

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/outgoing"
)

// Options is what a Client needs to know. Key is required.
type Options struct {
	BaseURL string // without a slash at its end; empty: https://api.brevo.com/v3
	Key     string

	// Reread returns the key as it is now, for one that is rotated while the client
	// works. Nil: it never changes.
	Reread func() (string, error)

	// Accept says whether an account may be written to; its error is a
	// *destination.OtherAccountError where not. It is asked about each key, before anything
	// is written with it (aboutToWrite) and before it is looked how the account is set up;
	// known is false where it will have to be asked again. Nil: any may.
	Accept func(ctx context.Context, account string, aboutToWrite bool) (known bool, err error)

	HTTP    *http.Client  // nil: http.DefaultClient's transport. Redirects are never followed
	Timeout time.Duration // of one request; 0: 30 s
	Slots   int           // how many clients share the account's limit; 0: one

	ListID     int64 // the list that contacts are added to; 0: none
	Attributes AttributeNames
	Log        *slog.Logger // nil: nothing is logged
}

const (
	defaultBaseURL = "https://api.brevo.com/v3"
	defaultTimeout = 30 * time.Second

	accountPath = "/account"
	probePath   = "/contacts?limit=1" // any contact

	// inFlight is how many requests may be under way at the same time: at 150 ms each
	// they fill a limit of 20 a second twice over.
	inFlight = 8

	// longestWait is how long a request waits for Brevo; what takes longer pauses the
	// account.
	longestWait = time.Minute

	// rememberedIDs bounds how many contacts' ids are remembered.
	rememberedIDs = 20_000
)

// Client speaks to one Brevo account. Its methods may be called from several goroutines.
type Client struct {
	options Options
	http    *http.Client
	limiter *limiter
	places  chan struct{} // one for each request under way

	asking  sync.Mutex // held by the one who asks whose a key is
	trusted trust      // guarded by asking

	mu         sync.Mutex // guards what follows
	keys       []string   // the last one is in force; answers may repeat the others
	proven     bool       // the last batch was answered usably
	attributes *attributes
	ids        map[string]string // of contacts, by key: an update does not tell them
	limits     destination.Limits
}

var _ destination.Destination = (*Client)(nil)

// New checks the options and builds a client. It sends nothing.
func New(o Options) (*Client, error) {
	if o.BaseURL == "" {
		o.BaseURL = defaultBaseURL
	}
	if err := checkKey(o.Key); err != nil {
		return nil, err
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.Slots == 0 {
		o.Slots = 1
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.HTTP == nil {
		o.HTTP = NewHTTPClient()
	}
	return &Client{
		options: o, http: outgoing.WithoutRedirects(o.HTTP), limiter: newLimiter(o.Slots), places: make(chan struct{}, inFlight),
		keys: []string{o.Key}, ids: map[string]string{},
		limits: destination.Limits{Rate: destination.Unknown("1s"), Daily: destination.Unknown("day")},
	}, nil
}

// NewHTTPClient builds a client for Brevo.
func NewHTTPClient() *http.Client { return outgoing.NewClient(2 * inFlight) }

// checkKey returns why a text cannot be a key.
func checkKey(key string) error {
	switch {
	case key == "":
		return errors.New("the API key is missing")
	case strings.HasPrefix(key, "xsmtpsib-"):
		return errors.New("the API key is an SMTP key (xsmtpsib-…); expected an API key (xkeysib-…)")
	case strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return errors.New("the API key holds blanks or characters beyond ASCII")
	}
	return nil
}

func (c *Client) key() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.keys[len(c.keys)-1]
}

// Refresh reads the key again and uses it from the next request on. It reports whether
// it is another one than before.
func (c *Client) Refresh(ctx context.Context) (changed bool, err error) {
	if c.options.Reread == nil {
		return false, nil
	}
	key, err := c.options.Reread()
	if err == nil {
		err = checkKey(key)
	}
	if err != nil {
		return false, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if key == c.keys[len(c.keys)-1] {
		return false, nil
	}
	c.keys = append(c.keys, key)
	c.attributes, c.proven, c.ids = nil, false, map[string]string{} // it may be another account's
	c.options.Log.InfoContext(ctx, "API key changed: the new one is used from now on")
	return true, nil
}

// hide takes every key out of a text.
func (c *Client) hide(text string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range c.keys {
		text = strings.ReplaceAll(text, key, "REDACTED")
	}
	return text
}

// Limits returns what Brevo's newest answers said of the requests that are left.
func (c *Client) Limits() destination.Limits {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.limits
}

// Probe implements [destination.Destination]. It costs one request of the contacts'
// budget, not one of the hundred an hour that Brevo grants for other calls. What the
// account was paused for is looked at again: whose it is, its attributes, and the list.
func (c *Client) Probe(ctx context.Context) error {
	if e := c.read(ctx, new(usage)); e != nil {
		return e
	}
	if e := c.mayUse(ctx, new(usage), c.key(), false); e != nil {
		return e
	}
	c.mu.Lock()
	known := c.attributes != nil
	c.mu.Unlock()
	if known {
		return nil
	}
	if _, e := c.checkSetup(ctx, new(usage)); e != nil {
		return e
	}
	return nil
}

// read asks for one contact, whichever: it shows that the key is good and that Brevo
// answers.
func (c *Client) read(ctx context.Context, u *usage) *Error {
	_, e := c.call(ctx, u, http.MethodGet, probePath, nil)
	return e
}

// contactID asks for the id of a contact by its email. It is empty where there is none.
func (c *Client) contactID(ctx context.Context, u *usage, email string) (string, *Error) {
	res, e := c.call(ctx, u, http.MethodGet, "/contacts/"+url.PathEscape(email)+"?identifierType=email_id", nil)
	if e != nil && e.Status == http.StatusNotFound {
		return "", nil
	}
	if e != nil {
		return "", e
	}
	return res.id()
}

// knownID returns the id of a contact, if it is known.
func (c *Client) knownID(email string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ids[email]
}

func (c *Client) learnID(email, id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.ids) >= rememberedIDs {
		clear(c.ids) // they are asked for again
	}
	c.ids[email] = id
}

// CallName returns what a request asks for, one name of a few: the paths hold addresses.
func CallName(r *http.Request) string {
	_, path, _ := strings.Cut(r.URL.Path, "/contacts")
	switch {
	case strings.HasSuffix(r.URL.Path, "/account"):
		return "account"
	case strings.HasPrefix(path, "/attributes"):
		return "attributes"
	case strings.HasPrefix(path, "/lists"):
		return "list"
	case path == "" && r.Method == http.MethodPost:
		return "upsert"
	case path == "":
		return "probe"
	}
	return "read"
}

// text is an id as rows hold it.
func text(id int64) string { return strconv.FormatInt(id, 10) }
