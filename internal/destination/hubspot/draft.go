package hubspot

import (
	"maps"
	"slices"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

// Draft tells what would be sent of a contact on a day, by the names of the
// properties, without asking HubSpot; or, with a code, why nothing would be.
func (n PropertyNames) Draft(c contact.Contact, today time.Time) (fields []Field, refused contact.Outcome) {
	if why, bad := unsendable(c); bad {
		return nil, why
	}
	values := n.values(c, today)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		fields = append(fields, Field{Name: name, After: values[name]})
	}
	return fields, contact.Outcome{}
}
