package destination

import (
	"fmt"
	"net/url"
	"strings"
)

// Account is whose the key is.
type Account struct {
	ID   string
	Name string // for people: "portal 4242"

	// RecordURL is where people see a contact, with {id} in place of its id; empty
	// where the destination has no pages.
	RecordURL string
}

// ContactURL returns where a person sees a contact, empty where that is nowhere.
func (a Account) ContactURL(remoteID string) string {
	return strings.ReplaceAll(a.RecordURL, "{id}", url.PathEscape(remoteID))
}

// OtherAccountError says that a key belongs to another account than the one that the
// contacts of this database were synced to so far.
type OtherAccountError struct {
	Known, Found string // their ids
}

func (e *OtherAccountError) Error() string {
	return fmt.Sprintf("the key belongs to account %[2]s, but the contacts of this database are synced to account %[1]s: "+
		"give this process the key of %[1]s, or, to go on with %[2]s from now on, run `contactsync resume --account %[2]s`", e.Known, e.Found)
}
