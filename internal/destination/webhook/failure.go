package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/outgoing"
)

// maxMessage bounds the messages for people, maxSaid what they repeat of an answer, in
// characters.
const (
	maxMessage = 500
	maxSaid    = 200
)

// kind is whose fault a failure is, and so what is to be done about it.
type kind int

const (
	kindRow     kind = iota + 1 // the row's, for good
	kindKey                     // the secret's, or the row's
	kindAddress                 // the webhook's that there is not, or the row's
	kindBusy                    // too much right now: wait and send again
	kindOutage                  // the receiver's, or that of the way there, or the row's
	kindStopped                 // the caller broke the request off
)

// failure says why a contact was not taken.
type failure struct {
	kind    kind
	code    contact.Code
	status  int    // of HTTP; 0 when no answer came
	message string // for people, without address and secret
	id      string // of the message
	inDoubt bool   // the receiver may still act on it, or has
	wait    time.Duration
}

// classify is the table of what a status means.
func classify(status int) (kind, contact.Code) {
	switch status {
	case http.StatusUnauthorized, http.StatusProxyAuthRequired:
		return kindKey, contact.CodeUnauthorized
	case http.StatusPaymentRequired, http.StatusForbidden:
		return kindKey, contact.CodeForbidden
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone,
		http.StatusUnsupportedMediaType, http.StatusMisdirectedRequest, http.StatusUpgradeRequired:
		return kindAddress, contact.CodeNotFound // whatever is posted there
	case http.StatusTooEarly, http.StatusTooManyRequests:
		return kindBusy, contact.CodeRateLimited
	case http.StatusRequestTimeout:
		return kindOutage, contact.CodeTimeout
	case http.StatusConflict:
		return kindRow, contact.CodeConflict
	case http.StatusBadRequest, http.StatusNotAcceptable, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return kindRow, contact.CodeInvalidValue
	}
	switch {
	case status >= 500:
		return kindOutage, contact.CodeServerError
	case status >= 400:
		return kindRow, contact.CodeOther
	}
	return kindAddress, contact.CodeBadResponse // a redirect, which is not followed
}

// leavesDoubt reports whether a gateway answered for the receiver, which may be at
// work still.
func leavesDoubt(status int) bool {
	return status == http.StatusBadGateway || status == http.StatusGatewayTimeout || status >= 520 && status <= 524
}

// suspect reports whether the failure may be the webhook's or the row's: the next
// contacts show which.
func (f *failure) suspect() bool { return f.kind == kindKey || f.kind == kindAddress }

// outcome is what becomes of the contact. Nobody knows yet whether it is to blame for
// a suspect failure: it does not end in Error for it.
func (f *failure) outcome() contact.Outcome {
	o := contact.Outcome{
		Verdict: contact.Retry, Code: f.code, Message: f.message, HTTPStatus: f.status, CorrelationID: f.id,
		InDoubt: f.inDoubt, Forgiving: f.suspect(),
	}
	switch f.kind {
	case kindRow:
		o.Verdict = contact.Reject
	case kindBusy, kindStopped:
		o.Verdict = contact.Unspent
	case kindKey, kindAddress, kindOutage:
	}
	return o
}

// alone is what becomes of a contact that is to blame itself.
func (f *failure) alone() contact.Outcome {
	o := f.outcome()
	o.Code = contact.CodeInvalidValue
	return destination.Alone(o, maxMessage)
}

// unsent is what becomes of a contact that is not sent because of the failure.
func (f *failure) unsent() contact.Outcome {
	return contact.Outcome{Verdict: contact.Unspent, Code: f.code, Message: clip("not sent: "+f.message, maxMessage)}
}

// pause is what a failure means for the webhook as a whole; nil where nothing. It ends
// with a contact, for there is nothing to probe.
func (f *failure) pause() *contact.AccountPause {
	var remedy string
	switch {
	case f.kind == kindKey:
		remedy = "The receiver refuses N8N_WEBHOOK_SECRET: set it to what the webhook expects as the bearer token, and restart"
	case f.kind == kindAddress && f.status < 400:
		remedy = "Redirects are not followed: set N8N_WEBHOOK_URL to where it leads, and restart"
	case f.kind == kindAddress:
		remedy = "No webhook takes a POST there: activate the workflow in n8n, or correct N8N_WEBHOOK_URL and restart"
	case f.kind == kindBusy:
		remedy = "The receiver asks to wait"
	default:
		return nil
	}
	return &contact.AccountPause{Code: f.code, Reason: clip(f.message+". "+remedy, maxMessage), For: f.wait}
}

// stopped is the failure of a request that the caller broke off. left reports that it
// may have reached the receiver.
func stopped(left bool) *failure {
	return &failure{kind: kindStopped, code: contact.CodeWorkerStopped, message: "worker stopped before the webhook responded", inDoubt: left}
}

// noAnswer returns why there is no answer. left reports that the request may have
// reached the receiver.
func (c *Client) noAnswer(ctx, limited context.Context, err error, left bool) *failure {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err // without the address
	}
	slow, ok := errors.AsType[net.Error](err)
	f := &failure{kind: kindOutage, code: contact.CodeNetwork, message: "cannot reach the webhook: " + err.Error(), inDoubt: left}
	switch {
	case ctx.Err() != nil:
		return stopped(left)
	case errors.Is(err, contact.ErrNotSent): // nobody's fault but this side's
		return &failure{kind: kindStopped, code: contact.CodeWorkerStopped, message: err.Error()}
	case limited.Err() != nil:
		f.code, f.message = contact.CodeTimeout, fmt.Sprintf("timeout: no response from the webhook within %v", c.timeout)
	case ok && slow.Timeout():
		f.code = contact.CodeTimeout
	case left:
		f.message = "connection to the webhook broken: " + err.Error()
	}
	return f
}

// refused returns what an answer that is not 2xx means.
func (c *Client) refused(res *http.Response, body []byte) *failure {
	k, code := classify(res.StatusCode)
	f := &failure{kind: k, code: code, status: res.StatusCode, inDoubt: leavesDoubt(res.StatusCode), message: outgoing.StatusLine(res.StatusCode)}
	if said := said(res.Header.Get("Content-Type"), body); said != "" {
		f.message += ": " + clip(c.hide(said), maxSaid)
	}
	if k == kindBusy {
		f.wait = retryAfter(res.Header, c.now())
	}
	return f
}

// said returns what an answer says for people: the message of a JSON object, as n8n
// has it, or a plain text. A page says nothing that is worth a line.
func said(contentType string, body []byte) string {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return ""
	}
	if kind == "text/plain" {
		return string(body)
	}
	var object map[string]any
	if json.Unmarshal(body, &object) != nil {
		return ""
	}
	for _, name := range []string{"message", "error", "detail", "title"} {
		if message, ok := object[name].(string); ok && message != "" {
			return message
		}
	}
	return ""
}

// longestPause bounds what a receiver can ask for.
const longestPause = time.Hour

// retryAfter returns how long the receiver asks to wait; 0 where it does not say.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.Atoi(value); err == nil {
		return time.Duration(max(0, min(seconds, int(longestPause/time.Second)))) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, min(at.Sub(now), longestPause))
	}
	return 0
}

// hiddenOf lists what no message may repeat: the secret, and what of the address is
// one, which in n8n is the path.
func hiddenOf(address *url.URL, secret string) (all []string) {
	all = append(all, address.String(), secret, strings.TrimPrefix(secret, secretPrefix), address.RequestURI(), address.RawQuery)
	if password, ok := address.User.Password(); ok {
		all = append(all, password, address.User.Username())
	}
	for part := range strings.SplitSeq(address.Path, "/") {
		if len(part) >= 8 { // "webhook" is none
			all = append(all, part, url.PathEscape(part))
		}
	}
	// Short parts are no secrets alone, but what is left of the path after each may be one.
	for _, path := range []string{address.Path, address.EscapedPath()} {
		for rest := strings.Trim(path, "/"); rest != ""; _, rest, _ = strings.Cut(rest, "/") {
			all = append(all, rest)
		}
	}
	all = slices.DeleteFunc(all, func(s string) bool { return s == "webhook" || s == "webhook-test" }) // everybody's
	for _, values := range address.Query() {
		all = append(all, values...)
	}
	all = slices.DeleteFunc(all, func(s string) bool { return len(s) < 4 })
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return all
}

func (c *Client) hide(foreign string) string {
	for _, s := range c.hidden {
		foreign = strings.ReplaceAll(foreign, s, "REDACTED")
	}
	return foreign
}

// clip makes a message of foreign text: valid, on one line, of bounded length.
func clip(message string, most int) string {
	message = strings.Join(strings.Fields(strings.ToValidUTF8(message, "\uFFFD")), " ")
	message = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return utf8.RuneError
		}
		return r
	}, message)
	if utf8.RuneCountInString(message) <= most {
		return message
	}
	return string([]rune(message)[:most-1]) + "…"
}
