package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination/outgoing"
)

const (
	// maxBody bounds what is read of an answer, in bytes. A full answer to a batch
	// of 100 takes about a hundredth of it.
	maxBody = 10 << 20
	// maxWaits is how often one request is sent again after HubSpot asked to
	// wait, before the account is paused instead.
	maxWaits = 5
	// lockedWait is how long HubSpot's locks last.
	lockedWait = 2 * time.Second
)

// Usage counts what one batch, or one probe, costs.
type Usage struct {
	requests  atomic.Int64
	throttled atomic.Int64 // nanoseconds
}

// Requests returns how many requests were sent.
func (u *Usage) Requests() int { return int(u.requests.Load()) }

// Throttled returns how long requests waited for the rate limit and for locks.
func (u *Usage) Throttled() time.Duration { return time.Duration(u.throttled.Load()) }

// Request is one call of the API. The Client's methods build it.
type Request struct {
	method string
	url    string
	body   any  // sent as JSON; nil: none
	once   bool // it is not sent again while HubSpot is busy
	hasty  bool // it is sent again but once then
}

// Hasty is the same request for somebody who knows already that HubSpot stays busy:
// it is sent again but once.
func (r Request) Hasty() Request {
	r.hasty = true
	return r
}

// Call sends a request and decodes a good answer into answer. It waits for the
// rate limit; each round trip has the client's timeout. It sends the request again
// in two cases, in both of which HubSpot has changed nothing: the token was refused
// and there is another one by now, or HubSpot is busy and asks to wait. Nothing is
// written with a token before that is known to belong to the right account.
func (c *Client) Call(ctx context.Context, usage *Usage, r Request, answer any) *Error {
	body, err := encode(r.body)
	if err != nil {
		return &Error{Code: contact.CodeOther, Message: err.Error(), Err: err, Kind: KindOther}
	}
	for waits := 0; ; {
		token, e := c.credentials.token(), (*Error)(nil)
		if r.method != http.MethodGet {
			if token, e = c.writingToken(ctx, usage); e != nil {
				return e
			}
		}
		e = c.roundTrip(ctx, usage, r, body, token, answer)
		switch {
		case e == nil:
			return nil
		case e.Status == http.StatusUnauthorized && c.replaced(ctx, token):
			continue
		case e.Kind == KindAccount && r.method != http.MethodGet:
			c.distrust(token)
		case e.Kind == KindBusy && !r.once:
			if waits++; r.hasty {
				waits = max(waits, maxWaits)
			}
			if e = c.retryWhileBusy(ctx, usage, e, waits); e == nil {
				continue
			}
		}
		return e
	}
}

// retryWhileBusy returns nil when the request is to be sent again, after the wait
// that HubSpot asked for. It returns an error after too many waits and for a long
// one. After a 429 the limiter holds this and every other request; after a 423 only
// this one waits.
func (c *Client) retryWhileBusy(ctx context.Context, usage *Usage, e *Error, waits int) *Error {
	switch {
	case waits > maxWaits || e.Wait > longestWait:
		return e
	case e.Status != http.StatusLocked:
		return nil
	}
	wait := max(e.Wait, time.Duration(waits)*lockedWait)
	c.log.InfoContext(ctx, "HubSpot has locked the contacts (423): waiting", "wait", wait, "correlation_id", e.CorrelationID)
	usage.throttled.Add(int64(wait))
	if sleep(ctx, wait) != nil {
		return Stopped(ctx, false)
	}
	return nil
}

// roundTrip sends a request once and judges what comes back.
func (c *Client) roundTrip(ctx context.Context, usage *Usage, r Request, body []byte, token string, answer any) (failure *Error) {
	waited, own, err := c.limiter.wait(ctx)
	usage.throttled.Add(int64(waited))
	if err != nil {
		return Stopped(ctx, false)
	}
	usage.requests.Add(1)
	began := time.Now()
	defer func() {
		failure = c.sanitize(failure)
		c.logRequest(ctx, r, time.Since(began), failure)
	}()

	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var left outgoing.Leaving
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(limited, left.Trace()), r.method, r.url, bytes.NewReader(body))
	if err != nil {
		return &Error{Code: contact.CodeOther, Message: bare(err).Error(), Err: bare(err), Kind: KindOther}
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "contactsync")
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return c.noAnswer(ctx, limited, err, left.MayHave())
	}
	defer func() { _ = res.Body.Close() }() // all that was wanted of it has been read
	c.limiter.learn(ctx, res.Header, own)
	c.noteLimits(res.Header)
	data, err := read(res.Body)
	if res.StatusCode >= 300 || res.StatusCode < 200 {
		return c.refused(ctx, res, data)
	}
	switch {
	case errors.Is(err, errTooLong):
		return unusable(res.StatusCode, "response longer than %d MiB", maxBody>>20)
	case err != nil && limited.Err() != nil:
		return c.noAnswer(ctx, limited, err, true)
	case err != nil:
		e := unusable(res.StatusCode, "response truncated: %v", err)
		e.Err, e.InDoubt = err, true
		return e
	}
	if e := decode(res, data, answer); e != nil {
		e.CorrelationID = correlationID(res, nil)
		return e
	}
	return nil
}

func (c *Client) logRequest(ctx context.Context, r Request, took time.Duration, failure *Error) {
	attrs := []any{"method", r.method, "url", r.url, "took_ms", took.Milliseconds()}
	if failure != nil {
		attrs = append(attrs, "code", failure.Code, "status", failure.Status, "correlation_id", failure.CorrelationID)
	}
	c.log.DebugContext(ctx, "HubSpot request", attrs...)
}

func encode(body any) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	data, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode the request: %w", err)
	}
	return data, nil
}

var errTooLong = errors.New("too long")

// read reads a body to its end, so that its connection can be used again,
// unless it is too long.
func read(body io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(body, maxBody+1))
	if err == nil && len(data) > maxBody {
		return nil, errTooLong
	}
	return data, err
}

// decode takes a good answer apart. It insists on JSON: a page of a proxy is no
// proof that anything was written.
func decode(res *http.Response, data []byte, answer any) *Error {
	given := res.Header.Get("Content-Type")
	if kind, _, err := mime.ParseMediaType(given); err != nil || kind != "application/json" {
		return unusable(res.StatusCode, "response is %q, not JSON", given)
	}
	if err := json.Unmarshal(data, answer); err != nil {
		e := unusable(res.StatusCode, "response is not the expected JSON: %v", err)
		e.Err = err
		return e
	}
	return nil
}
