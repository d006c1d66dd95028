package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/scrapersky/contactsync/internal/contact"
)

// Kind is whose fault a failure is, and so what is to be done about it.
type Kind int

// The kinds.
const (
	KindRow       Kind = iota + 1 // the row's, for good
	KindConflict                  // the row's: HubSpot has the contact under another address
	KindOther                     // unknown whose: the row tries again
	KindSetup                     // the set-up's: every row would fail alike until a person mends it
	KindAccount                   // the key's
	KindDaily                     // too many requests today
	KindMigrating                 // the account moves between data centers
	KindBusy                      // too many requests right now: wait and send again
	KindOutage                    // HubSpot's, or that of the way there
	KindStopped                   // the caller broke the request off
)

// verdict is what becomes of a row that was sent, after a failure of this kind.
func (k Kind) verdict() contact.Verdict {
	switch k {
	case KindRow, KindConflict:
		return contact.Reject
	case KindSetup, KindDaily, KindMigrating, KindBusy, KindStopped:
		return contact.Unspent
	default:
		return contact.Retry
	}
}

// categoryScopes is what HubSpot says when the key lacks a scope.
const categoryScopes = "MISSING_SCOPES"

// statusMigrating is HubSpot's own: the account is being moved.
const statusMigrating = 477

// classify is the table of what HubSpot returns for a request as a whole.
func classify(status int, header http.Header, p *Problem) (Kind, contact.Code) {
	switch status {
	case http.StatusBadRequest, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return classifyRefusal(status, p)
	case http.StatusUnauthorized:
		return KindAccount, contact.CodeUnauthorized
	case http.StatusPaymentRequired, http.StatusForbidden:
		return KindAccount, contact.CodeForbidden
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone, http.StatusUnsupportedMediaType:
		return KindSetup, contact.CodeNotFound // the call itself does not exist
	case http.StatusRequestTimeout:
		return KindOutage, contact.CodeTimeout
	case http.StatusLocked:
		return KindBusy, contact.CodeRateLimited
	case http.StatusTooManyRequests:
		if daily(header, p) {
			return KindDaily, contact.CodeDailyLimit
		}
		return KindBusy, contact.CodeRateLimited
	case statusMigrating:
		return KindMigrating, contact.CodeMigrating
	}
	switch {
	case status >= 500:
		return KindOutage, contact.CodeServerError
	case status < 400:
		return KindOutage, contact.CodeBadResponse
	}
	return KindOther, contact.CodeOther
}

// classifyRefusal is the part of the table for refusals that may be about rows.
func classifyRefusal(status int, p *Problem) (Kind, contact.Code) {
	k, code := classifyRow(p)
	switch {
	case k == KindSetup:
		return k, code
	case status == http.StatusConflict:
		return KindConflict, contact.CodeConflict
	case k != KindOther:
		return k, code
	case status == http.StatusRequestEntityTooLarge, p.Message != "" || p.Category != "":
		return KindRow, contact.CodeInvalidValue
	}
	return KindOther, contact.CodeOther // a refusal that does not look like HubSpot's
}

// classifyRow is the table of what HubSpot says about one row. It looks at codes
// and categories only: messages repeat what the rows hold, and the name of a
// contact must not be able to pause the sync.
func classifyRow(p *Problem) (Kind, contact.Code) {
	codes := p.codes()
	has := func(some ...string) bool {
		return slices.ContainsFunc(some, func(code string) bool { return slices.Contains(codes, code) })
	}
	switch {
	case has(codeNoProperty, codeReadOnly), nonUniqueKey(p):
		return KindSetup, contact.CodePropertyMissing
	case has("CONFLICT", "CONTACT_EXISTS", "OBJECT_ALREADY_EXISTS"):
		return KindConflict, contact.CodeConflict
	case has("INVALID_EMAIL"):
		return KindRow, contact.CodeInvalidEmail
	case has("MISSING_REQUIRED_PROPERTY", "MISSING_CONDITIONAL_REQUIRED_PROPERTY"):
		return KindRow, contact.CodeMissingRequired
	case has("OBJECT_NOT_FOUND", "NOT_FOUND"):
		return KindRow, contact.CodeNotFound
	case has("VALIDATION_ERROR"), slices.ContainsFunc(codes, isInvalid):
		return KindRow, contact.CodeInvalidValue
	case has("RATE_LIMITS", "RATE_LIMIT"):
		return KindOther, contact.CodeRateLimited
	case has("INTERNAL_ERROR", "INTERNAL_SERVER_ERROR"):
		return KindOther, contact.CodeServerError
	}
	return KindOther, contact.CodeOther
}

func isInvalid(code string) bool { return strings.HasPrefix(code, "INVALID_") }

// nonUniqueKey reports that HubSpot does not take the email as a key. It has no
// code for that; the message begins with words of its own.
func nonUniqueKey(p *Problem) bool {
	return strings.HasPrefix(string(p.Message), "Unable to perform") && strings.Contains(string(p.Message), "non-unique")
}

// daily reports whether the limit of the day is reached, not the one of 10 s.
func daily(header http.Header, p *Problem) bool {
	if p.PolicyName != "" {
		return strings.Contains(strings.ToUpper(string(p.PolicyName)), "DAILY")
	}
	left, ok := headerNumber(header, "X-Hubspot-Ratelimit-Daily-Remaining")
	return ok && left == 0 || strings.Contains(strings.ToLower(string(p.Message)), "daily limit")
}

// OfRows reports that HubSpot has looked at the rows of a request, and refuses it for
// some of them.
func (e *Error) OfRows() bool { return e.Kind == KindRow || e.Kind == KindConflict }

// Refused reports that a request was looked at and refused, for what may be some of its
// rows.
func (e *Error) Refused() bool {
	switch e.Status {
	case http.StatusBadRequest, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return e.Kind != KindSetup
	}
	return false
}

// MayBeSome reports whether a request may have failed for some of its rows alone,
// although nothing says so: for what they hold, or because HubSpot (or what stands
// before it: a firewall, a proxy) fails at them. A request that reached nobody, a key
// without a scope, a limit that names its end are never some rows' fault.
func (e *Error) MayBeSome() bool {
	switch e.Kind {
	case KindOutage:
		return e.Status != 0 || e.InDoubt
	case KindAccount:
		return e.Status == http.StatusForbidden && e.Category != categoryScopes
	case KindSetup:
		return e.Code == contact.CodeNotFound
	case KindBusy:
		return !e.LongWait()
	case KindOther:
		return e.Status != 0
	}
	return false
}

// Slow reports that it takes long to fail like this.
func (e *Error) Slow() bool {
	return e.Code == contact.CodeTimeout || e.Status == http.StatusGatewayTimeout || e.Status == 524 || e.Kind == KindBusy
}

// leavesDoubt reports whether a gateway answered for HubSpot, which may be at work
// still.
func leavesDoubt(status int) bool {
	return status == http.StatusBadGateway || status == http.StatusGatewayTimeout || status >= 520 && status <= 524
}
