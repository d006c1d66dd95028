package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/outgoing"
)

// maxMessage bounds the messages for people, in characters.
const maxMessage = 500

// Error says why a request failed, or one row of it.
type Error struct {
	Code          contact.Code
	Kind          Kind
	Status        int    // of HTTP; 0 when no answer came
	Category      string // HubSpot's own name for the error; often empty
	Message       string // for people, at most 500 characters, never with the key
	CorrelationID string // HubSpot's name for the request; may be empty
	Err           error  // why no answer came; nil when one did
	Foreign       bool   // a page answered, not HubSpot's API

	InDoubt    bool          // HubSpot may still carry the request out
	Wait       time.Duration // that HubSpot asks for; 0: it does not say
	Properties []string      // those that a fault of the set-up is about
	ExistingID string        // of the contact that a conflict is about
}

func (e *Error) Error() string { return e.Message }

func (e *Error) Unwrap() error { return e.Err }

// Outcome returns what becomes of a row that was sent.
func (e *Error) Outcome() contact.Outcome {
	return contact.Outcome{
		Verdict: e.Kind.verdict(), Code: e.Code, Message: e.Message, HTTPStatus: e.Status,
		CorrelationID: e.CorrelationID, InDoubt: e.InDoubt, Forgiving: e.Kind == KindAccount,
	}
}

// Alone returns what becomes of a row that failed alone while others went through: it
// is to blame itself, and spends its attempts on it.
func (e *Error) Alone() contact.Outcome {
	o := e.Outcome()
	if o.Verdict == contact.Unspent {
		o.Verdict = contact.Retry
	}
	if e.Kind == KindAccount { // not the account's after all
		o.Code = contact.CodeInvalidValue
	}
	return destination.Alone(o, maxMessage)
}

// Untried returns what becomes of a row of a request that failed, when those of it that
// were sent alone failed as well: it has not had its turn alone.
func (e *Error) Untried() contact.Outcome {
	return contact.Outcome{Verdict: contact.Unspent, Code: e.Code, Message: Clip("not tried alone: " + e.Message)}
}

// Unsent returns what becomes of a row that was not sent because another request
// failed.
func (e *Error) Unsent() contact.Outcome {
	return contact.Outcome{Verdict: contact.Unspent, Code: e.Code, Message: Clip("not sent: " + e.Message)}
}

// Stopped is the failure of a request that the caller broke off. left reports that
// it may have reached HubSpot.
func Stopped(ctx context.Context, left bool) *Error {
	return &Error{
		Code: contact.CodeWorkerStopped, Message: "worker stopped before HubSpot responded",
		Err: context.Cause(ctx), Kind: KindStopped, InDoubt: left,
	}
}

// unusable is the failure of a request whose answer makes no sense.
func unusable(status int, format string, args ...any) *Error {
	return &Error{
		Code: contact.CodeBadResponse, Status: status, Kind: KindOutage,
		Message: statusLine(status) + ": " + fmt.Sprintf(format, args...),
	}
}

// noAnswer returns why there is no answer. left reports that the request may have
// reached HubSpot.
func (c *Client) noAnswer(ctx, limited context.Context, err error, left bool) *Error {
	err = bare(err)
	e := &Error{
		Code: contact.CodeNetwork, Message: "cannot reach HubSpot: " + err.Error(),
		Err: err, Kind: KindOutage, InDoubt: left,
	}
	slow, ok := errors.AsType[net.Error](err)
	switch {
	case ctx.Err() != nil:
		return Stopped(ctx, left)
	case errors.Is(err, contact.ErrNotSent): // never HubSpot's fault, nor the row's
		e.Code, e.Message, e.Kind, e.InDoubt = contact.CodeWorkerStopped, err.Error(), KindStopped, false
	case limited.Err() != nil:
		e.Code, e.Message = contact.CodeTimeout, fmt.Sprintf("timeout: no response from HubSpot within %v", c.timeout)
	case ok && slow.Timeout():
		e.Code = contact.CodeTimeout
	case left:
		e.Message = "connection to HubSpot broken: " + err.Error()
	}
	return e
}

// bare returns the error without the address, which is always the same.
func bare(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// statusLine is a status as people know it: "401 Unauthorized".
func statusLine(status int) string {
	if status == statusMigrating {
		return fmt.Sprintf("%d Migration in Progress", status)
	}
	return outgoing.StatusLine(status)
}

// sanitize makes an error fit to be shown: without the key, which HubSpot or what
// answered for it may repeat, without names that are not ours, and of bounded length.
func (c *Client) sanitize(e *Error) *Error {
	if e == nil {
		return nil
	}
	clean := func(foreign string) string { return Clip(c.credentials.hide(foreign)) }
	e.Message, e.Category, e.CorrelationID = clean(e.Message), clean(e.Category), clean(e.CorrelationID)
	e.Properties = slices.DeleteFunc(e.Properties, func(name string) bool { return !slices.Contains(c.known, name) })
	return e
}

// Clip makes a message of foreign text: valid, on one line, of bounded length.
func Clip(message string) string {
	message = strings.Join(strings.Fields(strings.ToValidUTF8(message, "\uFFFD")), " ")
	message = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return utf8.RuneError
		}
		return r
	}, message)
	if utf8.RuneCountInString(message) <= maxMessage {
		return message
	}
	return string([]rune(message)[:maxMessage-1]) + "…" // room for the sign itself
}
