package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination/outgoing"
)

const (
	// longestWait is how long a request waits for HubSpot at most; what takes
	// longer is the caller's to wait for.
	longestWait = time.Minute
	// longestPause bounds what HubSpot can ask for.
	longestPause = 24 * time.Hour
)

// LongWait reports whether HubSpot asked for more than a request itself waits.
func (e *Error) LongWait() bool { return e.Wait > longestWait }

// refused makes an error of an answer that is no success.
func (c *Client) refused(ctx context.Context, res *http.Response, body []byte) *Error {
	p := parseProblem(body)
	kind, code := classify(res.StatusCode, res.Header, p)
	e := newError(res.StatusCode, kind, code, p)
	e.CorrelationID = correlationID(res, p)
	e.InDoubt = leavesDoubt(res.StatusCode)
	e.Foreign = isPage(res.Header.Get("Content-Type"))
	if said := pageText(body); e.Foreign && res.StatusCode >= 400 && res.StatusCode < 500 && said != "" {
		e.Message = ": " + said
	}
	e.Message = statusLine(res.StatusCode) + e.Message
	if kind == KindOutage && res.StatusCode < 400 {
		e.Message = statusLine(res.StatusCode) + outgoing.RedirectTo(res.Header) + " (redirects are not followed: check HUBSPOT_API_BASE_URL)"
	}
	if wait, ok := retryAfter(res.Header, time.Now()); ok {
		e.Wait = min(wait, longestPause)
	}
	e = c.sanitize(e)
	if res.StatusCode == http.StatusTooManyRequests && kind == KindBusy {
		if e.Wait == 0 {
			e.Wait = interval(res.Header)
		}
		if e.Wait <= longestWait {
			c.log.WarnContext(ctx, "HubSpot rate limit exceeded (429): waiting", "wait", e.Wait, "correlation_id", e.CorrelationID)
			c.limiter.hold(e.Wait)
		}
	}
	return e
}

// RowError returns what HubSpot says about one row of a batch.
func (c *Client) RowError(p *Problem) *Error {
	kind, code := classifyRow(p)
	e := newError(http.StatusMultiStatus, kind, code, p)
	if e.Message == "" {
		e.Message = ": no reason given"
	}
	e.Message = "refused by HubSpot" + e.Message
	return c.sanitize(e)
}

// newError is the error that a problem describes, without what only the request
// knows. Its message is empty or begins with ": "; it is foreign text until it went
// through sanitize.
func newError(status int, kind Kind, code contact.Code, p *Problem) *Error {
	e := &Error{
		Code: code, Status: status, Category: string(p.Category), CorrelationID: string(p.CorrelationID),
		Kind: kind, Properties: p.badProperties(),
	}
	if kind == KindConflict {
		e.ExistingID = p.existingID()
	}
	if said := p.text(); said != "" {
		e.Message = ": " + said
	}
	return e
}

// correlationID returns HubSpot's name for a request, from the body or the header.
func correlationID(res *http.Response, p *Problem) string {
	if p != nil && p.CorrelationID != "" {
		return string(p.CorrelationID)
	}
	return res.Header.Get("X-Hubspot-Correlation-Id")
}

// retryAfter reads the header of that name: seconds or a date. It accepts nothing
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

// interval returns the time that HubSpot's limit is counted over, if it makes sense.
func interval(h http.Header) time.Duration {
	ms, ok := headerNumber(h, "X-Hubspot-Ratelimit-Interval-Milliseconds")
	if d := time.Duration(ms) * time.Millisecond; ok && d >= 100*time.Millisecond && d <= longestWait {
		return d
	}
	return window
}
