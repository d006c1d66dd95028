// Package webhook posts contacts to a webhook, one a request, signed. It exists for
// n8n and for anything else that takes a POST, and it promises the receiver three
// things: the request is from who has the secret and was not changed on the way
// (Standard Webhooks), its id is the same for every attempt of one request of a row
// and for nothing else, and nothing newer comes before something older.
//
// A webhook can be asked nothing without setting something off: a HEAD or an OPTIONS
// is answered by n8n whether or not the workflow is active, and by others as they
// like. So there is no probe. After a pause one contact is sent, and its answer
// decides.
package webhook

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/outgoing"
)

// Options is what a Client needs to know. URL is required.
type Options struct {
	URL    string // where to post to; it may hold secrets, and is in no message and no log
	Secret string // signs the requests, and is their bearer token; empty: neither is sent
	Fields []Field

	HTTP       *http.Client  // nil: NewHTTPClient. Redirects are never followed, whatever it says
	Timeout    time.Duration // of one request, from the first byte to the last; 0: 30 s
	RatePer10s int           // requests in 10 s on average; 0: 100
	Log        *slog.Logger  // nil: nothing is logged
	Now        func() time.Time

	// AllowHTTP lets contacts and secret travel unencrypted to a host that is not this one.
	AllowHTTP bool
}

const (
	defaultTimeout = 30 * time.Second
	defaultRate    = 100
)

// Client posts contacts to one webhook. Its methods may be called from several
// goroutines.
type Client struct {
	http    *http.Client
	url     string
	secret  secret
	fields  []Field
	timeout time.Duration
	log     *slog.Logger
	now     func() time.Time
	hidden  []string // what no message may repeat, longest first
	gate    *gate
	history history
}

var _ destination.Destination = (*Client)(nil)

// New checks the options and builds a client. It sends nothing. The error repeats
// neither the address nor the secret.
func New(o Options) (*Client, error) {
	address, err := CheckURL(o.URL, o.AllowHTTP)
	if err != nil {
		return nil, errors.New("the webhook's address: " + err.Error())
	}
	key, err := parseSecret(o.Secret)
	if err != nil {
		return nil, errors.New("the webhook's secret: " + err.Error())
	}
	if address.User != nil && o.Secret != "" {
		return nil, errors.New("the webhook's address holds a user, and there is a secret: a request has one Authorization alone")
	}
	if o.RatePer10s < 0 || o.Timeout < 0 {
		return nil, errors.New("rate and timeout cannot be negative")
	}
	o = o.withDefaults()
	return &Client{
		http: outgoing.WithoutRedirects(o.HTTP), url: address.String(), secret: key, fields: o.Fields, timeout: o.Timeout,
		log: o.Log, now: o.Now, hidden: hiddenOf(address, o.Secret), gate: newGate(o.RatePer10s),
	}, nil
}

func (o Options) withDefaults() Options {
	if o.HTTP == nil {
		o.HTTP = NewHTTPClient()
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.RatePer10s == 0 {
		o.RatePer10s = defaultRate
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Probe has nothing to ask: see the package comment.
func (c *Client) Probe(context.Context) error { return nil }

// Limits returns what answers said of the requests that are left: webhooks say nothing.
func (c *Client) Limits() destination.Limits {
	return destination.Limits{Rate: destination.Unknown("10s"), Daily: destination.Unknown("day")}
}

// CallName is the one kind of request that there is, for who counts or traces them.
func CallName(*http.Request) string { return "post" }

// CheckURL returns the address of a webhook. It insists on https, because contacts and
// secret travel with every request; http is for this very host, or where it was
// allowed. The error does not repeat the address, which may hold a password.
func CheckURL(text string, allowHTTP bool) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "":
		return nil, errors.New("expected a URL that begins with https://")
	case u.Fragment != "":
		return nil, errors.New("expected a URL without a fragment (#...), which is never sent")
	case u.Scheme == "http" && !allowHTTP && !outgoing.IsLoopback(u.Hostname()):
		return nil, errors.New("contacts would travel unencrypted; expected a URL that begins with https://, or N8N_ALLOW_HTTP=true in a closed network")
	}
	return u, nil
}
