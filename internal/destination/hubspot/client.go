// Package hubspot sends contacts to HubSpot and tells of each what became of
// it. It exists so that nothing else has to know HTTP or HubSpot: how a batch
// is keyed and answered, what each error means and whose fault it is, how fast
// requests may go, and which doubts a missing answer leaves. It decides nothing
// about rows; it never repeats a request that failed, but for those that
// HubSpot asks to repeat (423 and short 429).
package hubspot

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options is what a Client needs to know. Token is required.
type Options struct {
	BaseURL string // empty: https://api.hubapi.com
	Version string // of the API's paths: "2026-09" (also where empty), "2026-03" or "v3"
	Token   string // a Service Key or a private app's token

	// Reread tells the token as it is now, for one that is rotated while the
	// client works. It is asked by Refresh, and when a token is refused. nil: Token
	// never changes.
	Reread func() (string, error)

	// PortalID is the one account that may be written to: a key of another
	// account pauses before anything is sent. 0: any account.
	PortalID int64

	HTTP    *http.Client  // nil: NewHTTPClient. Redirects are never followed, whatever it says
	Timeout time.Duration // of one request, from the first byte to the last; 0: 30 s

	// RatePer10s is how many requests this client may send in any 10 s; 0: 100.
	RatePer10s int
	// Slots is how many clients share the limit that HubSpot reports in its
	// answers; 0: one. RatePer10s is this client's share already.
	Slots int

	Properties PropertyNames
	Today      func() time.Time // tells the sync date, in UTC; nil: time.Now
	Log        *slog.Logger     // nil: nothing is logged

	// AllowHTTP lets the token travel unencrypted to a host that is not this one.
	AllowHTTP bool
}

const (
	defaultBaseURL = "https://api.hubapi.com"
	defaultVersion = "2026-09"
	defaultTimeout = 30 * time.Second
	defaultRate    = 100
)

// Versions lists the versions of HubSpot's paths that a Client speaks, newest
// first.
func Versions() []string { return []string{defaultVersion, "2026-03", versionV3} }

// Client speaks to one HubSpot account. Its methods may be called from several
// goroutines.
type Client struct {
	http       *http.Client
	urls       urls
	keys       *keyring
	portalID   int64
	timeout    time.Duration
	properties PropertyNames
	today      func() time.Time
	log        *slog.Logger
	gate       *gate

	mu       sync.Mutex // guards what follows
	proven   bool       // the last batch was answered usably: requests may go side by side
	verified string     // the token that is known to belong to portalID; empty: none is
	account  *Account   // as last seen; nil: never
	missing  []string   // properties that the account was paused for
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
		http: withoutRedirects(o.HTTP), urls: urls{base: base, version: o.Version}, keys: &keyring{all: []string{o.Token}, read: o.Reread},
		portalID: o.PortalID, timeout: o.Timeout, properties: o.Properties, today: o.Today,
		log: o.Log, gate: newGate(o.RatePer10s, o.Slots, o.Log),
	}, nil
}

// checkToken says why a text cannot be a token.
func checkToken(token string) error {
	switch {
	case token == "":
		return errors.New("is missing")
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return errors.New("holds blanks or characters beyond ASCII")
	}
	return nil
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
	if o.Today == nil {
		o.Today = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}
