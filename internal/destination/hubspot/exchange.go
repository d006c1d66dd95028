package hubspot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

// maxBody bounds what is read of an answer, in bytes. A full answer to a batch
// of 100 takes about a hundredth of it.
const maxBody = 10 << 20

// tally counts what one batch, or one probe, costs.
type tally struct {
	requests  atomic.Int64
	throttled atomic.Int64 // nanoseconds
}

// request is one call of the API.
type request struct {
	method string
	url    string
	body   any // sent as JSON; nil: none
}

// do carries out one request and decodes a good answer into answer. It waits
// for the rate limit, and has the client's timeout from then on. A request whose
// token is refused, while there is another one by now, goes once more with that:
// it has changed nothing. Nothing is written with a token before it is known to be
// that of the right account.
func (c *Client) do(ctx context.Context, t *tally, r request, answer any) *APIError {
	body, err := encode(r.body)
	if err != nil {
		return &APIError{Code: contact.CodeOther, Message: err.Error(), Err: err, kind: kindOther}
	}
	for {
		token := c.keys.token()
		if r.method != http.MethodGet {
			var wrong *APIError
			if token, wrong = c.writingToken(ctx, t); wrong != nil {
				return wrong
			}
		}
		failure := c.try(ctx, t, r, body, token, answer)
		if failure == nil || failure.Status != http.StatusUnauthorized || !c.replaced(ctx, token) {
			return failure
		}
	}
}

// try sends a request once.
func (c *Client) try(ctx context.Context, t *tally, r request, body []byte, token string, answer any) *APIError {
	waited, own, err := c.gate.pass(ctx)
	t.throttled.Add(int64(waited))
	if err != nil {
		return stopped(ctx, false)
	}
	t.requests.Add(1)
	began := time.Now()
	failure := c.exchange(ctx, r, body, token, own, answer)
	attrs := []any{"method", r.method, "url", r.url, "took_ms", time.Since(began).Milliseconds()}
	if failure != nil {
		failure = c.present(failure)
		attrs = append(attrs, "code", failure.Code, "status", failure.Status, "correlation_id", failure.CorrelationID)
	}
	c.log.DebugContext(ctx, "HubSpot request", attrs...)
	return failure
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

// exchange sends a request and judges what comes back.
func (c *Client) exchange(ctx context.Context, r request, body []byte, token string, own int, answer any) *APIError {
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var left leaving
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(limited, left.trace()), r.method, r.url, bytes.NewReader(body))
	if err != nil {
		return &APIError{Code: contact.CodeOther, Message: bare(err).Error(), Err: bare(err), kind: kindOther}
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "contactsync")
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return c.noAnswer(ctx, limited, err, left.mayHave())
	}
	defer func() { _ = res.Body.Close() }() // all that was wanted of it has been read
	c.gate.learn(ctx, res.Header, own)
	data, err := read(res.Body)
	if res.StatusCode >= 300 || res.StatusCode < 200 {
		return c.refused(ctx, res, data)
	}
	switch {
	case errors.Is(err, errTooLong):
		return unusable(res.StatusCode, "the answer is longer than %d MiB", maxBody>>20)
	case err != nil && limited.Err() != nil:
		return c.noAnswer(ctx, limited, err, true)
	case err != nil:
		e := unusable(res.StatusCode, "the answer broke off: %v", err)
		e.Err, e.inDoubt = err, true
		return e
	}
	if e := decode(res, data, answer); e != nil {
		e.CorrelationID = correlationID(res, nil)
		return e
	}
	return nil
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
func decode(res *http.Response, data []byte, answer any) *APIError {
	given := res.Header.Get("Content-Type")
	if kind, _, err := mime.ParseMediaType(given); err != nil || kind != "application/json" {
		return unusable(res.StatusCode, "the answer is %q, not JSON", given)
	}
	if err := json.Unmarshal(data, answer); err != nil {
		e := unusable(res.StatusCode, "the answer is not the JSON it should be: %v", err)
		e.Err = err
		return e
	}
	return nil
}

// noAnswer says why there is none. left says that the request may have reached
// HubSpot.
func (c *Client) noAnswer(ctx, limited context.Context, err error, left bool) *APIError {
	err = bare(err)
	e := &APIError{
		Code: contact.CodeNetwork, Message: "cannot reach HubSpot: " + err.Error(),
		Err: err, kind: kindOutage, inDoubt: left,
	}
	slow, ok := errors.AsType[net.Error](err)
	switch {
	case ctx.Err() != nil:
		return stopped(ctx, left)
	case errors.Is(err, contact.ErrNotSent): // never HubSpot's fault, nor the row's
		e.Code, e.Message, e.kind, e.inDoubt = contact.CodeWorkerStopped, err.Error(), kindStopped, false
	case limited.Err() != nil:
		e.Code, e.Message = contact.CodeTimeout, fmt.Sprintf("no answer from HubSpot within %v", c.timeout)
	case ok && slow.Timeout():
		e.Code = contact.CodeTimeout
	case left:
		e.Message = "the connection to HubSpot broke: " + err.Error()
	}
	return e
}

// bare is the error without the address, which is always the same.
func bare(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// leaving watches whether a request may have left. A connection was got for it
// is all that can be said for sure: when the caller breaks the request off, the
// bytes may be on their way while nobody has noted it yet.
type leaving struct{ connected atomic.Bool }

func (l *leaving) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		// A second try is made only of a request that surely has not left.
		GetConn: func(string) { l.connected.Store(false) },
		GotConn: func(httptrace.GotConnInfo) { l.connected.Store(true) },
	}
}

func (l *leaving) mayHave() bool { return l.connected.Load() }
