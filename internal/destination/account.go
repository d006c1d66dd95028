package destination

import (
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
