package hubspot

import (
	"net/http"
	"slices"
	"strings"

	"github.com/scrapersky/contactsync/internal/contact"
)

// kind is whose fault a failure is, and so what is to be done about it.
type kind int

const (
	kindRow       kind = iota + 1 // the row's, for good
	kindConflict                  // the row's: HubSpot has the contact under another address
	kindOther                     // nobody knows whose: the row tries again
	kindSetup                     // the set-up's: every row would fail alike until a person mends it
	kindAccount                   // the key's
	kindDaily                     // too many requests today
	kindMigrating                 // the account moves between data centers
	kindBusy                      // too many requests right now: wait and send again
	kindOutage                    // HubSpot's, or that of the way there
	kindStopped                   // the caller has broken the request off
)

// verdict is what a failure of this kind makes of a row that was sent.
func (k kind) verdict() contact.Verdict {
	switch k {
	case kindRow, kindConflict:
		return contact.Reject
	case kindSetup, kindDaily, kindMigrating, kindBusy, kindStopped:
		return contact.Unspent
	default:
		return contact.Retry
	}
}

// statusMigrating is HubSpot's own: the account is being moved.
const statusMigrating = 477

// classify is the table of what HubSpot answers to a request as a whole.
func classify(status int, header http.Header, p *problem) (kind, contact.Code) {
	switch status {
	case http.StatusBadRequest, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return classifyRefusal(status, p)
	case http.StatusUnauthorized:
		return kindAccount, contact.CodeUnauthorized
	case http.StatusPaymentRequired, http.StatusForbidden:
		return kindAccount, contact.CodeForbidden
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone, http.StatusUnsupportedMediaType:
		return kindSetup, contact.CodeNotFound // the call itself does not exist
	case http.StatusRequestTimeout:
		return kindOutage, contact.CodeTimeout
	case http.StatusLocked:
		return kindBusy, contact.CodeRateLimited
	case http.StatusTooManyRequests:
		if daily(header, p) {
			return kindDaily, contact.CodeDailyLimit
		}
		return kindBusy, contact.CodeRateLimited
	case statusMigrating:
		return kindMigrating, contact.CodeMigrating
	}
	switch {
	case status >= 500:
		return kindOutage, contact.CodeServerError
	case status < 400:
		return kindOutage, contact.CodeBadResponse
	}
	return kindOther, contact.CodeOther
}

// classifyRefusal is the part of the table for refusals that may be about rows.
func classifyRefusal(status int, p *problem) (kind, contact.Code) {
	k, code := classifyRow(p)
	switch {
	case k == kindSetup:
		return k, code
	case status == http.StatusConflict:
		return kindConflict, contact.CodeConflict
	case k != kindOther:
		return k, code
	case status == http.StatusRequestEntityTooLarge, p.Message != "" || p.Category != "":
		return kindRow, contact.CodeInvalidValue
	}
	return kindOther, contact.CodeOther // a refusal that does not look like HubSpot's
}

// classifyRow is the table of what HubSpot says about one row. It looks at codes
// and categories only: messages repeat what the rows hold, and nobody shall
// pause the sync by the name he gives a contact.
func classifyRow(p *problem) (kind, contact.Code) {
	codes := p.codes()
	has := func(some ...string) bool {
		return slices.ContainsFunc(some, func(code string) bool { return slices.Contains(codes, code) })
	}
	switch {
	case has(codeNoProperty, codeReadOnly), nonUniqueKey(p):
		return kindSetup, contact.CodePropertyMissing
	case has("CONFLICT", "CONTACT_EXISTS", "OBJECT_ALREADY_EXISTS"):
		return kindConflict, contact.CodeConflict
	case has("INVALID_EMAIL"):
		return kindRow, contact.CodeInvalidEmail
	case has("MISSING_REQUIRED_PROPERTY", "MISSING_CONDITIONAL_REQUIRED_PROPERTY"):
		return kindRow, contact.CodeMissingRequired
	case has("OBJECT_NOT_FOUND", "NOT_FOUND"):
		return kindRow, contact.CodeNotFound
	case has("VALIDATION_ERROR"), slices.ContainsFunc(codes, isInvalid):
		return kindRow, contact.CodeInvalidValue
	case has("RATE_LIMITS", "RATE_LIMIT"):
		return kindOther, contact.CodeRateLimited
	case has("INTERNAL_ERROR", "INTERNAL_SERVER_ERROR"):
		return kindOther, contact.CodeServerError
	}
	return kindOther, contact.CodeOther
}

func isInvalid(code string) bool { return strings.HasPrefix(code, "INVALID_") }

// nonUniqueKey says that HubSpot does not take the email as a key. It has no
// code for that; the message begins with words of its own.
func nonUniqueKey(p *problem) bool {
	return strings.HasPrefix(string(p.Message), "Unable to perform") && strings.Contains(string(p.Message), "non-unique")
}

// daily tells the limit of the day from the one of 10 s.
func daily(header http.Header, p *problem) bool {
	if p.PolicyName != "" {
		return strings.Contains(strings.ToUpper(string(p.PolicyName)), "DAILY")
	}
	left, ok := headerNumber(header, "X-Hubspot-Ratelimit-Daily-Remaining")
	return ok && left == 0 || strings.Contains(strings.ToLower(string(p.Message)), "daily limit")
}

// mayBeSome says that a refusal of several rows may be about some of them alone.
func mayBeSome(e *APIError) bool {
	switch e.Status {
	case http.StatusBadRequest, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return e.kind != kindSetup
	}
	return false
}

// leavesDoubt says that a gateway answered for HubSpot, which may be at work
// still.
func leavesDoubt(status int) bool {
	return status == http.StatusBadGateway || status == http.StatusGatewayTimeout || status >= 520 && status <= 524
}
