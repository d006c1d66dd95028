package contact

// Code names why a contact failed or an account is paused. The list is closed: it
// is stored with the contact, filtered on by the retry command and used as a metric
// label.
type Code string

// The codes, by who can remedy the failure.
const (
	// The row: a person must change it.
	CodeNoEmail         Code = "NO_EMAIL"
	CodeInvalidEmail    Code = "INVALID_EMAIL"
	CodeInvalidValue    Code = "INVALID_VALUE"
	CodeMissingRequired Code = "MISSING_REQUIRED"
	CodeConflict        Code = "CONFLICT"
	CodeNotFound        Code = "NOT_FOUND"

	// The set-up or the account: every row would fail alike.
	CodePropertyMissing Code = "PROPERTY_MISSING"
	CodeUnauthorized    Code = "UNAUTHORIZED"
	CodeForbidden       Code = "FORBIDDEN"
	CodeRateLimited     Code = "RATE_LIMITED"
	CodeDailyLimit      Code = "DAILY_LIMIT"
	CodeMigrating       Code = "MIGRATING"

	// The way there, or the service: trying again is likely to help.
	CodeServerError  Code = "SERVER_ERROR"
	CodeTimeout      Code = "TIMEOUT"
	CodeNetwork      Code = "NETWORK"
	CodeBadResponse  Code = "BAD_RESPONSE"
	CodeNotConfirmed Code = "NOT_CONFIRMED"

	// Ourselves.
	CodeWorkerStopped Code = "WORKER_STOPPED"

	CodeOther Code = "OTHER"
)

// Passes reports whether a pause for this code ends without a person.
func (c Code) Passes() bool {
	switch c {
	case CodeRateLimited, CodeDailyLimit, CodeMigrating, CodeServerError, CodeTimeout, CodeNetwork, CodeBadResponse:
		return true
	}
	return false
}

// Codes lists every code there is, for help texts and for checks of input.
func Codes() []Code {
	return []Code{
		CodeNoEmail, CodeInvalidEmail, CodeInvalidValue, CodeMissingRequired, CodeConflict, CodeNotFound,
		CodePropertyMissing, CodeUnauthorized, CodeForbidden, CodeRateLimited, CodeDailyLimit, CodeMigrating,
		CodeServerError, CodeTimeout, CodeNetwork, CodeBadResponse, CodeNotConfirmed,
		CodeWorkerStopped, CodeOther,
	}
}
