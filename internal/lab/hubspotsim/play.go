package hubspotsim

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// play carries a request out, with the fault it met.
func (s *Sim) play(ctx context.Context, c *call) (reply, delivery) {
	f := c.fault
	if f.is(Cut) && !f.AfterWrite {
		return reply{}, cutOff
	}
	if err := s.receive(c); err != nil {
		return reply{}, cutOff // the client broke off
	}
	if !sleep(ctx, s.options.Latency+f.latency()) {
		return reply{}, cutOff
	}
	if f.is(Hang) && !f.AfterWrite && !f.hang(ctx) {
		return reply{}, cutOff
	}
	answer := s.process(c)
	if f.is(Hang) && f.AfterWrite && !f.hang(ctx) || f.is(Cut) {
		return reply{}, cutOff
	}
	return f.spoil(answer)
}

// sleep waits for d and returns whether the client is still there.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// hang waits until the fault is cleared and returns true, or until the client
// has gone and returns false.
func (f *armedFault) hang(ctx context.Context) bool {
	select {
	case <-f.cleared:
		return true
	case <-ctx.Done():
		return false
	}
}

func (f *armedFault) is(mode Mode) bool { return f != nil && f.Mode == mode }

// refuses says whether the fault is about an input of a batch.
func (f *armedFault) refuses(in *upsertInput) bool {
	if !f.is(RowError) {
		return false
	}
	for _, value := range in.Properties {
		if strings.Contains(value, f.Holds) {
			return true
		}
	}
	return strings.Contains(in.ID, f.Holds)
}

func (f *armedFault) latency() time.Duration {
	if f == nil {
		return 0
	}
	return f.Latency
}

func (f *armedFault) name() string {
	switch {
	case f == nil:
		return ""
	case f.Name != "":
		return f.Name
	case f.Mode != Answer:
		return string(f.Mode)
	case f.Status != 0:
		return strconv.Itoa(f.Status)
	default:
		return "latency"
	}
}

// replaces says whether the answer is the fault's, not the endpoint's.
func (f *armedFault) replaces() bool {
	if f == nil {
		return false
	}
	switch f.Mode {
	case Answer:
		return f.Status != 0
	case NotJSON, Huge, Redirect, DailyLimit:
		return true
	default:
		return false
	}
}

// replacement is the fault's own answer.
func (f *armedFault) replacement() reply {
	var r reply
	switch f.Mode {
	case NotJSON:
		r = reply{status: http.StatusOK, text: page("Welcome", "Please sign in to the network.")}
	case Huge:
		r = reply{status: http.StatusOK, padding: f.Size}
	case Redirect:
		r = reply{status: http.StatusTemporaryRedirect, header: http.Header{"Location": {f.URL}}}
	case DailyLimit:
		r = tooMany(policyDaily)
	default:
		r = likeHubSpot(f.Status)
	}
	r.status = cmp.Or(f.Status, r.status)
	if f.Body != "" {
		r.text = f.Body
	}
	return r.withHeader(f.header())
}

// header is the fault's, in the form of net/http. It overrides what HubSpot
// would send.
func (f *armedFault) header() http.Header {
	header := http.Header{}
	for name, value := range f.Header {
		header.Set(name, value)
	}
	return header
}

// likeHubSpot is what HubSpot, or the proxy in front of it, sends with a status.
func likeHubSpot(status int) reply {
	switch {
	case status == http.StatusUnauthorized:
		return unauthorized("Authentication credentials are not valid.")
	case status == http.StatusForbidden:
		return missingScopes([]string{scopeWrite})
	case status == http.StatusNotFound:
		return notFound("resource not found")
	case status == http.StatusConflict:
		return refuse(status, categoryConflict, "Contact already exists.")
	case status == http.StatusTooManyRequests:
		return tooMany(policyTenSecondly)
	case status == http.StatusLocked:
		return refuse(status, "LOCKED", "The resource is locked. Try again in a few seconds.")
	case status == 477:
		r := refuse(status, "MIGRATION_IN_PROGRESS", "This account is being migrated between data centers.")
		r.header = http.Header{"Retry-After": {"3600"}}
		return r
	case status >= 502: // answered by the proxy, which does not speak JSON
		title := fmt.Sprintf("%d %s", status, cmp.Or(http.StatusText(status), "Web server error"))
		return reply{status: status, contentType: htmlType, text: page(title, "hubapi.com | cloudflare")}
	case status >= 500:
		return refuse(status, "INTERNAL_ERROR", "internal error")
	case status >= 400:
		return refuse(status, categoryValidation, cmp.Or(http.StatusText(status), "request refused"))
	default:
		return reply{status: status, value: struct{}{}}
	}
}

func page(title, text string) string {
	return fmt.Sprintf("<!DOCTYPE html>\n<html><head><title>%s</title></head>\n<body><h1>%s</h1><p>%s</p></body></html>\n",
		title, title, text)
}

// spoil turns a good answer into a bad one, where the fault is of that kind. Any
// fault's headers override those of a good answer.
func (f *armedFault) spoil(r reply) (reply, delivery) {
	if f == nil || r.status >= 300 {
		return r, whole
	}
	maps.Copy(r.header, f.header())
	switch f.Mode {
	case Truncate:
		return r, truncated
	case ContentType:
		r.contentType = htmlType
	case MissingResults:
		r.value = withoutResults(r.value, f.Drop)
	case OtherResults:
		r.value = withOtherResults(r.value)
	default:
	}
	return r, whole
}
