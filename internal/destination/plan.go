package destination

import "github.com/scrapersky/contactsync/internal/contact"

// Effect is what a sync would do to a contact.
type Effect string

// The effects.
const (
	Creates Effect = "created"
	Updates Effect = "updated"
	Nothing Effect = "unchanged"
	Rejects Effect = "rejected"
	Unclear Effect = "unclear" // the destination did not say what it has
)

// Change is what would become of one contact.
type Change struct {
	Effect   Effect
	RemoteID string  // where the destination has the contact
	Fields   []Field // those that would change, by name
	Code     contact.Code
	Message  string // why it is rejected, or unclear
}

// Field is a value that would be sent.
type Field struct {
	Name   string `json:"name"`
	Before string `json:"before"` // what the destination has; empty where that is nothing, or not known
	After  string `json:"after"`
}
