package database

import "github.com/scrapersky/contactsync/internal/destination"

// The locks of the first destination, for who looks at it alone; see destination.Info.
// Advisory locks are named by two numbers: a class, the same for all of contactsync,
// and an object within it. The triggers in triggers/*.sql spell out the doorbell's
// numbers; a test compares them.
const (
	// LockClass is that of all locks.
	LockClass int32 = destination.LockClass
	// DoorbellLock is held exclusively by a consumer that sleeps, and tried
	// shared by whoever queues a row.
	DoorbellLock int32 = 1

	firstSlotLock int32 = 100
)

// ManualSlot is the first of the slots that commands take for a moment, when a
// person has them do a leader's work on single contacts. A leader's slots are
// below it.
const ManualSlot = 1000

// SlotLock is the object of slot k, which counts from 0. Who holds it leads that
// slot.
func SlotLock(k int) int32 {
	return firstSlotLock + int32(k)
}

// LockedSlot is the inverse of SlotLock. It is negative for a lock that is none
// of a slot's.
func LockedSlot(object int32) int {
	return int(object - firstSlotLock)
}
