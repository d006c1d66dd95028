package hubspot

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

const (
	// longestWait is how long a request waits for HubSpot at most; what is to
	// take longer is the caller's to wait for.
	longestWait = time.Minute
	// longestPause bounds what HubSpot can make us believe.
	longestPause = 24 * time.Hour
)

// refused makes an error of an answer that is no success.
func (c *Client) refused(ctx context.Context, res *http.Response, body []byte) *APIError {
	p := parseProblem(body)
	kind, code := classify(res.StatusCode, res.Header, p)
	e := newAPIError(res.StatusCode, kind, code, p)
	e.CorrelationID = correlationID(res, p)
	e.inDoubt = leavesDoubt(res.StatusCode)
	e.Message = statusLine(res.StatusCode) + e.Message
	if kind == kindOutage && res.StatusCode < 400 {
		e.Message = statusLine(res.StatusCode) + redirectTo(res) + " (redirects are not followed: check HUBSPOT_API_BASE_URL)"
	}
	if wait, ok := retryAfter(res.Header, time.Now()); ok {
		e.wait = min(wait, longestPause)
	}
	e = c.present(e)
	if res.StatusCode == http.StatusTooManyRequests && kind == kindBusy {
		if e.wait == 0 {
			e.wait = interval(res.Header)
		}
		if e.wait <= longestWait {
			c.log.WarnContext(ctx, "HubSpot says that requests come too fast", "wait", e.wait, "correlation_id", e.CorrelationID)
			c.gate.hold(e.wait)
		}
	}
	return e
}

// newAPIError is the error that a problem describes, without what only the
// request knows. Its message is empty or begins with ": "; it is foreign text
// until it went through present.
func newAPIError(status int, kind kind, code contact.Code, p *problem) *APIError {
	e := &APIError{
		Code: code, Status: status, Category: string(p.Category), CorrelationID: string(p.CorrelationID),
		kind: kind, properties: p.badProperties(),
	}
	if kind == kindConflict {
		e.existing = p.existingID()
	}
	if said := p.text(); said != "" {
		e.Message = ": " + said
	}
	return e
}

// redirectTo names the host that an answer sends us to; more of the address may
// hold secrets of others.
func redirectTo(res *http.Response) string {
	to, err := url.Parse(res.Header.Get("Location"))
	if err != nil || to.Host == "" {
		return ""
	}
	return " to " + to.Scheme + "://" + to.Host
}

// correlationID is HubSpot's name for a request, from the body or the header.
func correlationID(res *http.Response, p *problem) string {
	if p != nil && p.CorrelationID != "" {
		return string(p.CorrelationID)
	}
	return res.Header.Get("X-Hubspot-Correlation-Id")
}

// retryAfter reads the header of that name: seconds or a date. It takes nothing
// that is not in the future.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	given := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseInt(given, 10, 64); err == nil {
		return time.Duration(min(seconds, int64(longestPause/time.Second))) * time.Second, seconds > 0
	}
	if at, err := http.ParseTime(given); err == nil {
		return at.Sub(now), at.After(now)
	}
	return 0, false
}

// interval is the time that HubSpot's limit is counted over, if it makes sense.
func interval(h http.Header) time.Duration {
	ms, ok := headerNumber(h, "X-Hubspot-Ratelimit-Interval-Milliseconds")
	if d := time.Duration(ms) * time.Millisecond; ok && d >= 100*time.Millisecond && d <= longestWait {
		return d
	}
	return window
}

// present makes an error fit to be seen: without the key, which HubSpot or what
// answered for it may repeat, and of bounded length.
func (c *Client) present(e *APIError) *APIError {
	tidy := func(foreign string) string { return clip(c.keys.hide(foreign)) }
	e.Message, e.Category, e.CorrelationID = tidy(e.Message), tidy(e.Category), tidy(e.CorrelationID)
	e.properties = slices.DeleteFunc(e.properties, func(name string) bool { return !c.properties.has(name) })
	return e
}
