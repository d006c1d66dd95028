// Package destination is the seam between the engine and the systems that contacts
// are sent to. The engine (queue, drain, leader, wake, ops, web) knows a destination
// by its Info alone; a package below this one knows how to talk to it.
package destination

// Info is what the engine has to know of a destination. Everything in the database
// that belongs to it is derived from here: columns, locks, indexes, triggers.
type Info struct {
	Name     string // in lower case; the value of "destination" in tables, metrics and logs
	Label    string // for people
	Ordinal  int    // unique; the destination's range of advisory locks follows from it
	MaxBatch int    // contacts that one request takes at most
	Setting  string // the variable without which it is off: HUBSPOT_API_KEY
	Columns  Columns

	// KeyedByID says that the destination tells contacts apart by the ids of their rows;
	// else it does so by their emails, and rows with the same one are sent as one contact.
	KeyedByID bool
}

// Columns are the names of a destination's columns on the contacts table.
type Columns struct {
	Status   string // the queue: NULL, Queued, Processing, Complete, Error
	Mirror   string // the person's decision, which mirrors the queue
	Error    string // the last failure, in words
	Code     string // the last failure, as a code
	RemoteID string // the contact's id at the destination
	SyncedAt string
	QueuedAt string // since when it waits: the order of the queue
	Tries    string // failed attempts of this request
	DueAt    string // not before; NULL is at once
	TriedAt  string // the last failed attempt
}

// Prefixed returns the columns of a destination that follows the rule: its name in
// front of each. remoteID is the one column that is named by the destination itself.
func Prefixed(name, remoteID string) Columns {
	return Columns{
		Status:   name + "_processing_status",
		Mirror:   name + "_sync_status",
		Error:    name + "_processing_error",
		Code:     name + "_error_code",
		RemoteID: remoteID,
		SyncedAt: name + "_synced_at",
		QueuedAt: name + "_queued_at",
		Tries:    name + "_retry_count",
		DueAt:    name + "_next_retry_at",
		TriedAt:  name + "_last_retry_at",
	}
}

// List returns the names in the order of the struct.
func (c Columns) List() []string {
	return []string{c.Status, c.Mirror, c.Error, c.Code, c.RemoteID, c.SyncedAt, c.QueuedAt, c.Tries, c.DueAt, c.TriedAt}
}

// LockClass ("csfs") is the first key of all of contactsync's advisory locks.
const LockClass = 1668507251

// Channel is the name on which the doorbell of every destination notifies.
const Channel = "contact_queued"

// locksEach is how many advisory locks a destination has.
const locksEach = 10_000

// Doorbell returns the second key of the advisory lock that the sleeping leader holds.
func (i Info) Doorbell() int { return 1 + i.Ordinal*locksEach }

// ManualSlot is the first of the slots that commands take for a moment, when a person
// has them do a leader's work on single contacts. A leader's slots are below it.
const ManualSlot = 1000

// SlotLock returns the second key of the advisory lock of leader slot k.
func (i Info) SlotLock(k int) int { return 100 + i.Ordinal*locksEach + k }
