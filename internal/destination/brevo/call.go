package brevo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/outgoing"
)

const (
	maxBody  = 4 << 20 // bytes that are read of an answer
	maxWaits = 5       // how often a request is sent again after Brevo asked to wait
)

// usage counts what one batch, or one probe, costs.
type usage struct {
	requests  atomic.Int64
	throttled atomic.Int64 // nanoseconds
}

func (u *usage) waited() time.Duration { return time.Duration(u.throttled.Load()) }

// answer is what came back of a request that went well. An update's has no body.
type answer struct {
	status int
	body   []byte
}

// decode takes the body apart.
func (a answer) decode(into any) *Error {
	if err := json.Unmarshal(a.body, into); err != nil {
		return &Error{
			Kind: kindOutage, Code: contact.CodeBadResponse, Status: a.status,
			Message: outgoing.StatusLine(a.status) + ": response is not the expected JSON: " + err.Error(),
		}
	}
	return nil
}

// id returns the contact's id that the body tells.
func (a answer) id() (string, *Error) {
	var told struct {
		ID int64 `json:"id"`
	}
	if e := a.decode(&told); e != nil {
		return "", e
	}
	if told.ID <= 0 {
		return "", &Error{
			Kind: kindOutage, Code: contact.CodeBadResponse, Status: a.status,
			Message: outgoing.StatusLine(a.status) + ": response without a contact's id",
		}
	}
	return text(told.ID), nil
}

// call sends a request and reads the answer. It waits for the rate limit, and sends again
// only where Brevo has changed nothing: it asked to wait, or the key was refused and
// there is another one by now. What a key of another account would write or read of the
// set-up is not sent.
func (c *Client) call(ctx context.Context, u *usage, method, path string, body []byte) (answer, *Error) {
	select {
	case c.places <- struct{}{}:
		defer func() { <-c.places }()
	case <-ctx.Done():
		return answer{}, stopped(false)
	}
	for waits := 0; ; {
		waited, err := c.limiter.wait(ctx)
		u.throttled.Add(int64(waited))
		if err != nil {
			return answer{}, stopped(false)
		}
		key := c.key()
		var a answer
		var e *Error
		if path != accountPath && path != probePath {
			e = c.mayUse(ctx, u, key, method == http.MethodPost)
		}
		if e == nil {
			a, e = c.roundTrip(ctx, u, key, method, path, body)
		}
		switch {
		case e == nil:
			return a, nil
		case e.Status == http.StatusUnauthorized && c.replaced(ctx, key):
			continue
		case e.Kind == kindBusy && e.Wait <= longestWait && waits < maxWaits:
			waits++
			wait := e.Wait
			if wait == 0 {
				wait = time.Duration(waits) * time.Second
			}
			c.options.Log.WarnContext(ctx, "Brevo asks to wait", "status", e.Status, "wait", wait, "correlation_id", e.CorrelationID)
			c.limiter.hold(wait)
			continue
		}
		return answer{}, e
	}
}

// replaced reports, after a key was refused, whether there is another one by now.
func (c *Client) replaced(ctx context.Context, refused string) bool {
	_, _ = c.Refresh(ctx) // its error is reported by whoever calls it in turn
	return c.key() != refused
}

// roundTrip sends a request once and judges what comes back.
func (c *Client) roundTrip(ctx context.Context, u *usage, key, method, path string, body []byte) (a answer, failure *Error) {
	u.requests.Add(1)
	limited, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	var left outgoing.Leaving
	began := time.Now()
	defer func() {
		if failure == nil {
			c.options.Log.DebugContext(ctx, "Brevo request", "method", method, "took_ms", time.Since(began).Milliseconds(), "status", a.status)
			return
		}
		failure.Message, failure.CorrelationID = clip(c.hide(failure.Message)), clip(c.hide(failure.CorrelationID))
		c.options.Log.DebugContext(ctx, "Brevo request", "method", method, "took_ms", time.Since(began).Milliseconds(),
			"status", failure.Status, "code", failure.Code, "correlation_id", failure.CorrelationID)
	}()
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(limited, left.Trace()), method, c.options.BaseURL+path, bytes.NewReader(body))
	if err != nil {
		return a, &Error{Kind: kindRow, Code: contact.CodeOther, Message: "the request cannot be made: " + bare(err).Error()}
	}
	req.Header.Set("Api-Key", key)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "contactsync")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return a, c.noAnswer(ctx, limited, err, left.MayHave())
	}
	defer func() { _ = res.Body.Close() }()
	if strings.HasPrefix(path, "/contacts") {
		c.limiter.learn(res.Header)
		c.noteLimits(res.Header)
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	switch {
	case res.StatusCode < 200 || res.StatusCode > 299:
		return a, judge(res.StatusCode, res.Header, data)
	case err != nil && limited.Err() != nil:
		return a, c.noAnswer(ctx, limited, err, true)
	case err != nil, len(data) > maxBody:
		return a, &Error{
			Kind: kindOutage, Code: contact.CodeBadResponse, Status: res.StatusCode, InDoubt: true,
			Message: outgoing.StatusLine(res.StatusCode) + ": response truncated or too long",
		}
	}
	return answer{res.StatusCode, data}, nil
}

func (c *Client) noteLimits(h http.Header) {
	most, ok := number(h, "X-Sib-Ratelimit-Limit")
	left, told := number(h, "X-Sib-Ratelimit-Remaining")
	reset, known := number(h, "X-Sib-Ratelimit-Reset")
	if !ok || !told || !known || reset > 1 {
		return
	}
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limits.Rate = destination.Allowance{Window: "1s", Max: most, Left: left, At: now, ResetsAt: now.Add(time.Duration(reset) * time.Second)}
}

// noAnswer returns why there is no answer. left reports that the request may have
// reached Brevo.
func (c *Client) noAnswer(ctx, limited context.Context, err error, left bool) *Error {
	err = bare(err)
	e := &Error{Kind: kindOutage, Code: contact.CodeNetwork, Message: "cannot reach Brevo: " + err.Error(), InDoubt: left}
	switch {
	case ctx.Err() != nil:
		return stopped(left)
	case errors.Is(err, contact.ErrNotSent): // never Brevo's fault, nor the row's
		return &Error{Kind: kindStopped, Code: contact.CodeWorkerStopped, Message: err.Error()}
	case limited.Err() != nil:
		e.Code, e.Message = contact.CodeTimeout, fmt.Sprintf("timeout: no response from Brevo within %v", c.options.Timeout)
	case left:
		e.Message = "connection to Brevo broken: " + err.Error()
	}
	return e
}

// stopped is the failure of a request that the caller broke off.
func stopped(left bool) *Error {
	return &Error{Kind: kindStopped, Code: contact.CodeWorkerStopped, Message: "worker stopped before Brevo responded", InDoubt: left}
}

// bare returns the error without the address, which may hold a contact's email.
func bare(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}
