package brevo

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/outgoing"
)

// kind is whose fault a failure is, and so what is to be done about it.
type kind int

const (
	kindRow     kind = iota + 1 // the row's, for good
	kindNumber                  // a telephone number's: the contact goes without it
	kindDoubted                 // the row's or the set-up's: the account's attributes and lists tell
	kindOther                   // unknown whose: the row tries again
	kindSetup                   // the set-up's: every row would fail alike until a person mends it
	kindAccount                 // the key's, or that of its address
	kindBusy                    // too many requests right now: wait and send again
	kindOutage                  // Brevo's, or that of the way there
	kindStopped                 // the caller broke the request off
)

// Error says why a request failed.
type Error struct {
	Kind          kind
	Code          contact.Code
	Status        int    // of HTTP; 0 when no answer came
	Message       string // for people, at most 500 characters, never with the key
	CorrelationID string // Brevo's name for the request; may be empty
	Wait          time.Duration
	InDoubt       bool // Brevo may still carry the request out
	Blocked       bool // the address that the requests come from is refused, not the key
	Some          bool // one contact alone may be to blame, although nothing says so
}

func (e *Error) Error() string { return e.Message }

// outcome returns what becomes of a row that was sent.
func (e *Error) outcome() contact.Outcome {
	o := contact.Outcome{
		Verdict: contact.Retry, Code: e.Code, Message: e.Message, HTTPStatus: e.Status,
		CorrelationID: e.CorrelationID, InDoubt: e.InDoubt, Forgiving: e.Kind == kindAccount,
	}
	switch e.Kind {
	case kindRow, kindNumber, kindDoubted:
		o.Verdict = contact.Reject
	case kindSetup, kindBusy, kindStopped:
		o.Verdict = contact.Unspent
	}
	return o
}

// unsent returns what becomes of a row that was not sent because another request failed.
// A refused key is written to all rows of its batch, so that they show what is wrong.
func (e *Error) unsent() contact.Outcome {
	if e.Kind == kindAccount {
		o := e.outcome()
		o.InDoubt = false
		return o
	}
	return contact.Outcome{Verdict: contact.Unspent, Code: e.Code, Message: clip("not sent: " + e.Message)}
}

// alone returns what becomes of a row that failed while others went through: it is to
// blame itself, and spends its attempts on it.
func (e *Error) alone() contact.Outcome {
	o := e.outcome()
	o.Verdict = contact.Retry
	if e.Kind == kindAccount { // not the account's after all
		o.Code = contact.CodeInvalidValue
	}
	return destination.Alone(o, maxMessage)
}

// pause returns what a failure means for the account; nil where it is not the account's.
func (e *Error) pause() *contact.AccountPause {
	p := &contact.AccountPause{Code: e.Code, Reason: e.Message}
	switch e.Kind {
	case kindAccount:
		p.Probe = true
		switch {
		case e.Status == 0: // another account: the message says what to do
		case e.Blocked:
			p.Reason += ". The key is not to blame: Brevo does not know the address that this server calls from. Authorise it at " +
				authorisedIPs + ", or switch the blocking off for API keys there"
		case e.Status == http.StatusUnauthorized:
			p.Reason += ". Brevo rejected the key: set BREVO_API_KEY to a valid one (xkeysib-…) and restart, or write one to BREVO_API_KEY_FILE"
		default:
			p.Reason += ". Brevo refuses the account or what the key may do: see the account's page in Brevo, or give the key the right to write contacts"
		}
	case kindSetup:
		p.Probe = true
		if e.Code == contact.CodeNotFound {
			p.Reason += ". Unknown call: correct BREVO_API_BASE_URL"
		}
	case kindBusy:
		p.For = e.Wait
		p.Reason = "too many requests, perhaps of other apps with this account: " + p.Reason
	default:
		return nil
	}
	p.Reason = clip(p.Reason)
	return p
}

const authorisedIPs = "https://app.brevo.com/security/authorised_ips"

// problem is the body of a refusal. Every member may be missing or of another type.
type problem struct {
	code, message string
	duplicates    []string // identifiers that another contact has, in upper case
}

func parseProblem(body []byte) (p problem) {
	var wire struct {
		Code     any `json:"code"`
		Message  any `json:"message"`
		Metadata any `json:"metadata"`
	}
	if json.Unmarshal(body, &wire) != nil {
		return p
	}
	p.code, _ = wire.Code.(string)
	p.message, _ = wire.Message.(string)
	members, _ := wire.Metadata.(map[string]any)
	list, _ := members["duplicate_identifiers"].([]any)
	for _, identifier := range list {
		if name, ok := identifier.(string); ok {
			p.duplicates = append(p.duplicates, strings.ToUpper(name))
		}
	}
	return p
}

// accountWide are the codes that concern the account, with whatever status they come.
var accountWide = []string{"account_under_validation", "not_enough_credits", "permission_denied"}

// numbers are the attributes that hold a telephone number, which no two contacts may
// share.
var numbers = []string{"SMS", "WHATSAPP", "LANDLINE_NUMBER"}

// judge makes an error of an answer that is no success.
func judge(status int, header http.Header, body []byte) *Error {
	p := parseProblem(body)
	e := &Error{Status: status, CorrelationID: header.Get("Sib-Request-Id")}
	e.Kind, e.Code = classify(status, p)
	said := p.message
	if said == "" {
		said = p.code
	}
	e.Message = outgoing.StatusLine(status)
	if said != "" {
		e.Message += ": " + said
	}
	e.InDoubt = status == http.StatusBadGateway || status == http.StatusGatewayTimeout || status >= 520 && status <= 524
	e.Some = e.Kind == kindOutage || status == http.StatusForbidden && !slices.Contains(accountWide, p.code)
	text := strings.ToLower(p.message)
	e.Blocked = status == http.StatusUnauthorized && (strings.Contains(text, "authorised_ips") || strings.Contains(text, "ip address"))
	if e.Kind == kindBusy {
		if seconds, ok := number(header, "X-Sib-Ratelimit-Reset"); ok {
			e.Wait = time.Duration(min(seconds, 24*3600)) * time.Second
		}
	}
	if status < 400 {
		e.Message += outgoing.RedirectTo(header) + " (redirects are not followed: check BREVO_API_BASE_URL)"
	}
	return e
}

// classify is the table of what Brevo's refusals mean: codes that concern the account,
// then metadata, then the text, then the status. The code of a refusal is not reliable:
// a number that is taken comes as duplicate_parameter or as invalid_parameter.
func classify(status int, p problem) (kind, contact.Code) {
	if slices.Contains(accountWide, p.code) {
		return kindAccount, contact.CodeForbidden
	}
	if status == http.StatusBadRequest || status == http.StatusConflict || status == http.StatusUnprocessableEntity {
		return classifyRefusal(p)
	}
	switch status {
	case http.StatusUnauthorized:
		return kindAccount, contact.CodeUnauthorized
	case http.StatusPaymentRequired, http.StatusForbidden:
		return kindAccount, contact.CodeForbidden
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusUnsupportedMediaType:
		return kindSetup, contact.CodeNotFound
	case http.StatusRequestTimeout:
		return kindOutage, contact.CodeTimeout
	case http.StatusRequestEntityTooLarge:
		return kindRow, contact.CodeInvalidValue
	case http.StatusTooEarly, http.StatusTooManyRequests:
		return kindBusy, contact.CodeRateLimited
	}
	switch {
	case status >= 500:
		return kindOutage, contact.CodeServerError
	case status < 400:
		return kindOutage, contact.CodeBadResponse
	}
	return kindOther, contact.CodeOther
}

// classifyRefusal is the part of the table for refusals that may be about the row.
func classifyRefusal(p problem) (kind, contact.Code) {
	text := strings.ToLower(p.message)
	about := func(name string) bool { return slices.Contains(p.duplicates, name) }
	switch {
	case slices.ContainsFunc(numbers, about):
		return kindNumber, contact.CodeInvalidValue
	case about("EMAIL"):
		return kindRow, contact.CodeConflict
	case strings.Contains(text, "invalid phone number"), strings.Contains(text, "sms is already associated"),
		strings.Contains(text, "whatsapp"), strings.Contains(text, "landline"):
		return kindNumber, contact.CodeInvalidValue
	case strings.Contains(text, "invalid email"):
		return kindRow, contact.CodeInvalidEmail
	case strings.Contains(text, "email is already associated"):
		return kindRow, contact.CodeConflict
	case p.code == "missing_parameter":
		return kindRow, contact.CodeMissingRequired
	case strings.Contains(text, "attribute"), strings.Contains(text, "list"):
		return kindDoubted, contact.CodeInvalidValue
	case p.code == "" && p.message == "": // a refusal that does not look like Brevo's
		return kindOther, contact.CodeOther
	}
	return kindRow, contact.CodeInvalidValue
}

// maxMessage bounds the messages for people, in characters.
const maxMessage = 500

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
	return string([]rune(message)[:maxMessage-1]) + "…"
}
