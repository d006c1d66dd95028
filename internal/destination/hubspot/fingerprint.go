package hubspot

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

// Fingerprint stands for all that HubSpot would be told about a contact, but for
// the day: two contacts with the same email and the same fingerprint leave the same
// behind. It is nil where that cannot be said: of a contact that cannot be sent,
// and as long as it is not known whose the key is.
func (c *Client) Fingerprint(of contact.Contact) []byte {
	c.mu.Lock()
	account := c.account
	c.mu.Unlock()
	if _, bad := unsendable(of); bad || account == nil {
		return nil
	}
	values := c.properties.values(of, time.Time{})
	delete(values, c.properties.SyncDate)
	sum := sha256.New()
	fmt.Fprintf(sum, "%q %d %q\n", c.urls.base, account.PortalID, of.Key())
	for _, name := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(sum, "%q %q\n", name, values[name])
	}
	return sum.Sum(nil)
}
