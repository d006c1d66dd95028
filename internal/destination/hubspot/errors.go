package hubspot

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/scrapersky/contactsync/internal/contact"
)

// maxMessage bounds the messages for people, in characters.
const maxMessage = 500

// APIError says why a request failed, or one row of it.
type APIError struct {
	Code          contact.Code
	Status        int    // of HTTP; 0 when no answer came
	Category      string // HubSpot's own name for the error; often empty
	Message       string // for people, at most 500 characters, never with the key
	CorrelationID string // HubSpot's name for the request; may be empty
	Err           error  // why no answer came; nil when one did

	kind       kind
	inDoubt    bool          // HubSpot may still carry the request out
	wait       time.Duration // that HubSpot asks for; 0: it does not say
	properties []string      // those that a fault of the set-up is about
	existing   string        // the id of the contact that a conflict is about
}

func (e *APIError) Error() string { return e.Message }

func (e *APIError) Unwrap() error { return e.Err }

// outcome is what the failure means for a row that was sent.
func (e *APIError) outcome() contact.Outcome {
	return contact.Outcome{
		Verdict: e.kind.verdict(), Code: e.Code, Message: e.Message, HTTPStatus: e.Status,
		CorrelationID: e.CorrelationID, InDoubt: e.inDoubt, Forgiving: e.kind == kindAccount,
	}
}

// unsent is what the failure of another request means for a row that has
// therefore not been sent, or whose refusal is known not to be its own.
func (e *APIError) unsent() contact.Outcome {
	return contact.Outcome{Verdict: contact.Unspent, Code: e.Code, Message: clip("not sent: " + e.Message)}
}

// stopped is the failure of a request that the caller has broken off. left says
// that it may have reached HubSpot.
func stopped(ctx context.Context, left bool) *APIError {
	return &APIError{
		Code: contact.CodeWorkerStopped, Message: "stopped before HubSpot answered",
		Err: context.Cause(ctx), kind: kindStopped, inDoubt: left,
	}
}

// unusable is the failure of a request whose answer makes no sense.
func unusable(status int, format string, args ...any) *APIError {
	return &APIError{
		Code: contact.CodeBadResponse, Status: status, kind: kindOutage,
		Message: statusLine(status) + ": " + fmt.Sprintf(format, args...),
	}
}

// statusLine is a status as people know it: "401 Unauthorized".
func statusLine(status int) string {
	name := http.StatusText(status)
	switch {
	case name != "":
	case status == statusMigrating:
		name = "Migration in Progress"
	case status >= 520 && status <= 524:
		name = "Web Server Unreachable"
	default:
		name = "Unknown Status"
	}
	return fmt.Sprintf("%d %s", status, name)
}

// clip makes a message of foreign text: valid, on one line, of bounded length.
func clip(message string) string {
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
