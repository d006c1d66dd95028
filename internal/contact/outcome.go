package contact

import "time"

// Verdict is what a destination decided about one contact.
type Verdict string

// The verdicts. The queue turns them into row states: Synced becomes
// Complete, Retry becomes Queued with a due time (or Error when the budget is
// spent), Reject becomes Error, Unspent becomes Queued as if nothing had been
// tried.
const (
	Synced  Verdict = "synced"
	Retry   Verdict = "retry"
	Reject  Verdict = "reject"
	Unspent Verdict = "unspent"

	// Unchanged comes from the loop, not from a destination: the contact was not sent,
	// because its values are those that were sent last. It becomes Complete.
	Unchanged Verdict = "unchanged"
)

// Outcome is what became of one contact of a batch.
type Outcome struct {
	Verdict Verdict

	RemoteID string // the CRM's id; set when Synced, and whenever it became known
	Created  bool   // Synced, and the CRM had not known the contact before

	Code    Code   // why not Synced; when Synced, why something had to be left out, mostly empty
	Message string // for people; may hold anything the CRM said

	HTTPStatus    int    // 0 without a response
	CorrelationID string // the CRM's own name for the failed request, for its support

	// InDoubt reports that the CRM may still apply what was sent, whatever was sent
	// since and went through: there was no response, or a gateway responded in its place. Such a contact must not be sent
	// again before the doubt is over, or the older data could land after newer.
	InDoubt bool

	// PutOff is how long an Unspent contact waits before it is due again; zero
	// leaves it due. The caller sets it, so that the same contact is not the
	// first to be tried every time.
	PutOff time.Duration

	// Forgiving reports that this Retry never ends in Error, however often it
	// happens, because the account is to blame and not the row.
	Forgiving bool

	// Alone reports that this Retry was sent in a request of its own and failed while
	// others went through: it is likely to be the row's own fault.
	Alone bool
}

// AccountPause means that nothing may be sent to an account for a while.
type AccountPause struct {
	Code   Code
	Reason string // for people: what happened and what to do

	// For is how long the pause lasts. Zero leaves it to the caller, who grows
	// it with every pause that follows another.
	For time.Duration

	// Probe reports that the account may still be unusable when the pause ends: ask
	// the destination's Probe first, and again later if it fails.
	Probe bool
}

// Report is what a destination returns for one batch.
type Report struct {
	Outcomes []Outcome     // one for each contact, in the order they were given
	Pause    *AccountPause // nil when the account may be used further

	// Outage reports that no request of this batch got a usable response: the service
	// or the way to it is down, and the contacts are not to blame.
	Outage bool

	// Reachable reports that in an Outage the account's own read went through: writes
	// fail, or just these contacts do. Those that were sent alone are Retry, and those
	// that were not have spent nothing.
	Reachable bool

	Requests  int           // HTTP requests made, those of repairs included
	Throttled time.Duration // time spent waiting for the rate limit
}
