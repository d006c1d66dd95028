package contact

import "time"

// Batch is what one claim took: the contacts of one cycle.
type Batch struct {
	Cycle     int64 // names the claim; the settle writes only under it
	Contacts  []Contact
	ClaimedAt time.Time // the database's clock
}

// Answered is a batch with what became of it, ready to be settled. The
// report's outcomes stand in the order of the batch's contacts.
type Answered struct {
	Batch
	Report
}

// Final is what a settle made of one contact: the verdict, with what only the
// queue knows.
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

// Settled tells what became of one row.
type Settled struct {
	ID    string
	Final Final
	Tries int    // failed attempts before this one
	Error string // as it stands in the row now

	// Waited is how long it took from the contact's being queued, or from the time
	// for which it was scheduled, to its being in HubSpot, by the database's clock.
	// It is zero where that is not known, and for all that was not Synced in a
	// first attempt.
	Waited time.Duration
}

// Pause is an operator's pause of a destination: nothing is claimed while it
// stands.
type Pause struct {
	Since  time.Time `json:"since"`
	Who    string    `json:"who"`
	Reason string    `json:"reason"` // may be empty
}

// QueueState is what the queue's last look before sleep found.
type QueueState struct {
	// Armed says that the doorbell is ours: a commit from now on rings. False
	// while an open transaction has queued rows, or another leader sleeps on it.
	Armed bool

	// Paused is the operator's pause, nil when there is none. Nothing is due while there
	// is one, and it is never armed: its end rings whether armed or not.
	Paused *Pause

	Due  bool // there are rows that could be claimed, but for a stranger's lock
	Dead bool // there are dead claims to rescue or quarantines to lift

	// Next is how long until a row or a claim becomes due by itself, by the
	// database's clock; a day at most.
	Next time.Duration
}
