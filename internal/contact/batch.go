package contact

import "time"

// Share is how many contacts a claim takes, and from where in the queue: of those that
// are due again at most Retries, of those that were queued last at most Newest, and for
// the rest those that wait longest.
type Share struct{ Most, Retries, Newest int }

// InOrder is the usual share of n: retries first, then whoever waits longest.
func InOrder(n int) Share { return Share{Most: n, Retries: n} }

// Spread is a share of n from everywhere in the queue, so that contacts which fail keep
// no others from being tried, wherever they stand. Turn says who is the first where
// there is not room for all: those that were queued last, those that wait longest, or
// retries.
func Spread(n, turn int) Share {
	of := func(place int) int { return (n + 2 - (place-turn%3+3)%3) / 3 }
	return Share{Most: n, Retries: of(2), Newest: of(0)}
}

// Batch is what one claim took: the contacts of one cycle.
type Batch struct {
	Cycle     int64 // names the claim; the settle writes only under it
	Contacts  []Contact
	ClaimedAt time.Time // the database's clock
}

// Answered is a batch with its report, ready to be settled. The outcomes are in the
// order of the batch's contacts.
type Answered struct {
	Batch
	Report
}

// Final is what a settle made of one contact: a verdict, or one of the finals that
// only the queue can know.
type Final string

// The finals beyond the verdicts.
const (
	// Exhausted is a Retry whose budget is spent: the row is Error.
	Exhausted Final = "exhausted"
	// Touched is a contact whose values an app changed while it was in flight:
	// it is Queued again rather than at rest.
	Touched Final = "touched"
	// Lost is a contact whose claim is no longer ours; nothing was written.
	Lost Final = "lost"
)

// Settled is what became of one row.
type Settled struct {
	ID    string
	Final Final
	Tries int    // failed attempts before this one
	Error string // as it stands in the row now

	// Waited is the time from when the contact was queued, or from the time for which
	// it was scheduled, until the destination had it, by the database's clock. It is
	// zero where that is not known, and unless the first attempt was Synced.
	Waited time.Duration
}

// Pause is an operator's pause of a destination: nothing is claimed while it
// stands.
type Pause struct {
	Since  time.Time `json:"since"`
	Who    string    `json:"who"`
	Reason string    `json:"reason"` // may be empty
}

// QueueState is what the last look at the queue before sleep found.
type QueueState struct {
	// Armed reports that this session holds the doorbell: a commit from now on rings.
	// It is false while an open transaction has queued rows, or another leader sleeps on it.
	Armed bool

	// Paused is the operator's pause, nil when there is none. While there is one
	// nothing is due and the doorbell is not armed: the end of the pause always rings.
	Paused *Pause

	Due  bool // there are rows that could be claimed, but for a stranger's lock
	Dead bool // there are dead claims to rescue or quarantines to lift

	// Next is how long until a row or a claim becomes due by itself, by the
	// database's clock; a day at most.
	Next time.Duration
}
