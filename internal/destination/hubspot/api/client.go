// Package api speaks HubSpot's HTTP: addresses, the key, the rate limit, the form
// of requests and answers, and whose fault a failure is. It exists so that the
// packages beside it can say what they want of HubSpot in one call, and so that
// these rules hold for every request: nothing is written with a key that may be
// another account's, no error repeats the key, nothing exceeds the limit, and only
// what HubSpot asks to repeat (423, short 429) is sent again.
package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/outgoing"
)

// Options is what a Client needs to know. Token is required.
type Options struct {
	BaseURL string // empty: https://api.hubapi.com
	Version string // of the API's paths: "2026-09" (also where empty), "2026-03" or "v3"
	Token   string // a Service Key or a private app's token

	// Reread returns the token as it is now, for one that is rotated while the
	// client works. Refresh calls it, and so does a request whose token is refused.
	// Nil: Token never changes.
	Reread func() (string, error)

	// PortalID is the one account that may be written to: a key of another
	// account fails before anything is sent. 0: any account.
	PortalID int64

	// Accept says whether an account may be written to; its error is a
	// *destination.OtherAccountError where not. It is asked about each key, before anything is
	// written with it (aboutToWrite), and when somebody wants to know whether the account
	// can be used; known is false where it will have to be asked again. Nil: any may.
	Accept func(ctx context.Context, account string, aboutToWrite bool) (known bool, err error)

	HTTP    *http.Client  // nil: NewHTTPClient. Redirects are never followed, whatever it says
	Timeout time.Duration // of one request, from the first byte to the last; 0: 30 s

	// RatePer10s is how many requests this client may send in any 10 s; 0: 100.
	RatePer10s int
	// Slots is how many clients share the limit that HubSpot reports in its
	// answers; 0: one. RatePer10s is this client's share already.
	Slots int

	// Known are the properties that contacts are written to. Errors repeat no other
	// name that an answer holds.
	Known []string

	Log *slog.Logger // nil: nothing is logged

	// AllowHTTP lets the token travel unencrypted to a host that is not this one.
	AllowHTTP bool
}

const (
	defaultBaseURL = "https://api.hubapi.com"
	defaultVersion = "2026-09"
	versionV3      = "v3"
	defaultTimeout = 30 * time.Second
	defaultRate    = 100
)

// MaxBatch is how many contacts HubSpot takes in one request.
const MaxBatch = 100

// Concurrency is how many requests of one batch are sent at the same time.
const Concurrency = 4

// Versions lists the versions of HubSpot's paths that a Client speaks, newest
// first.
func Versions() []string { return []string{defaultVersion, "2026-03", versionV3} }

// Client speaks to one HubSpot account. Its methods may be called from several
// goroutines.
type Client struct {
	http        *http.Client
	urls        urls
	credentials *credentials
	portalID    int64
	accept      func(ctx context.Context, account string, aboutToWrite bool) (known bool, err error)
	timeout     time.Duration
	known       []string
	log         *slog.Logger
	limiter     *limiter

	mu       sync.Mutex // guards what follows
	verified string     // the token that is known to belong to an account that may be written to; empty: none is
	unknown  time.Time  // until then it is not asked again whose the key is, because that could not be had
	account  *Account   // as last seen; nil: never
	limits   destination.Limits
}

// New checks the options and builds a client. It sends nothing.
func New(o Options) (*Client, error) {
	o = o.withDefaults()
	base, err := checkBaseURL(o.BaseURL, o.AllowHTTP)
	if err != nil {
		return nil, fmt.Errorf("HubSpot's base URL: %w", err)
	}
	if err := checkToken(o.Token); err != nil {
		return nil, fmt.Errorf("HubSpot's key %w", err)
	}
	switch {
	case !slices.Contains(Versions(), o.Version):
		return nil, fmt.Errorf("HubSpot's API version %q is none of %s", o.Version, strings.Join(Versions(), ", "))
	case o.RatePer10s < 0 || o.Slots < 0 || o.Timeout < 0 || o.PortalID < 0:
		return nil, errors.New("rate, slots, timeout and portal id cannot be negative")
	}
	return &Client{
		http: outgoing.WithoutRedirects(o.HTTP), urls: urls{base: base, version: o.Version},
		credentials: &credentials{all: []string{o.Token}, read: o.Reread},
		portalID:    o.PortalID, accept: o.Accept, timeout: o.Timeout, known: o.Known, log: o.Log,
		limiter: newLimiter(o.RatePer10s, o.Slots, o.Log),
		limits:  destination.Limits{Rate: destination.Unknown("10s"), Daily: destination.Unknown("day")},
	}, nil
}

func (o Options) withDefaults() Options {
	if o.BaseURL == "" {
		o.BaseURL = defaultBaseURL
	}
	if o.Version == "" {
		o.Version = defaultVersion
	}
	if o.HTTP == nil {
		o.HTTP = NewHTTPClient()
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.RatePer10s == 0 {
		o.RatePer10s = defaultRate
	}
	if o.Slots == 0 {
		o.Slots = 1
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// PortalID returns the one account that may be written to; 0: any.
func (c *Client) PortalID() int64 { return c.portalID }

// BaseURL returns where requests go, without a slash at its end.
func (c *Client) BaseURL() string { return c.urls.base }

// urls builds the addresses of the calls. Dated versions stand behind the area
// of the API, v3 stands before it.
type urls struct {
	base    string // without a slash at its end
	version string
}

// contacts returns the address of a call about contacts; rest begins with a slash.
func (u urls) contacts(rest string) string { return u.crm("objects", rest) }

// properties returns the address of a call about properties of contacts.
func (u urls) properties(rest string) string { return u.crm("properties", rest) }

// property returns the address of one property of contacts.
func (u urls) property(name string) string { return u.properties("/" + url.PathEscape(name)) }

func (u urls) account(rest string) string { return u.base + "/account-info/" + u.version + rest }

func (u urls) crm(area, rest string) string {
	if u.version == versionV3 {
		return u.base + "/crm/v3/" + area + "/contacts" + rest
	}
	return u.base + "/crm/" + area + "/" + u.version + "/contacts" + rest
}

// checkBaseURL insists on https, because the token travels with every request;
// http is for this very host, or where it was allowed.
func checkBaseURL(text string, allowHTTP bool) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return "", errors.New("not a URL") // the error would repeat a password in it
	case u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("it must be a scheme and a host, as in " + defaultBaseURL)
	case u.Scheme == "https":
	case u.Scheme != "http":
		return "", errors.New("it must begin with https://")
	case !allowHTTP && !outgoing.IsLoopback(u.Hostname()):
		return "", errors.New("http:// would send the key unencrypted: use https://, or HUBSPOT_ALLOW_HTTP=true in a closed network")
	}
	return strings.TrimRight(u.String(), "/"), nil
}
