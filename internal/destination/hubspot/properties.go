package hubspot

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/hubspot/portal"
)

// PropertyNames are the internal names of the account's own properties. What
// has no name is not sent.
type PropertyNames struct {
	DomainID string // single-line text
	PageID   string // single-line text
	SyncDate string // date

	Extra []Extra // of the extra columns, in the order of contact.Contact.Extra
}

// Extra is the property that gets an extra column.
type Extra struct {
	Name  string
	Clear bool         // a blank value clears the property
	Kind  contact.Kind // of the column; empty where nobody has looked
}

// values returns what is sent of a contact. A blank value is left out instead of
// clearing what HubSpot has, unless it is to be cleared. The email is not among them:
// it is the key, and as a property it would make the primary address of a secondary
// one.
func (n PropertyNames) values(c contact.Contact, today time.Time) map[string]string {
	first, last := contact.SplitName(c.Name)
	values := make(map[string]string, 6+len(n.Extra))
	for name, value := range map[string]string{
		"firstname": first,
		"lastname":  last,
		"phone":     c.Phone,
		n.DomainID:  c.DomainID,
		n.PageID:    c.PageID,
		n.SyncDate:  today.UTC().Format(time.DateOnly),
	} {
		if value = strings.TrimSpace(value); value != "" && name != "" {
			values[name] = value
		}
	}
	for i, value := range c.Extra { // none, where nobody has read them
		if value = strings.TrimSpace(value); value != "" || n.Extra[i].Clear {
			values[n.Extra[i].Name] = value
		}
	}
	return values
}

// mapped lists the properties that values sends, as they have to be.
func (n PropertyNames) mapped() []portal.Mapped {
	const own = "HUBSPOT_CUSTOM_PROPERTY_"
	all := []portal.Mapped{
		{Name: "firstname", Type: "string"},
		{Name: "lastname", Type: "string"},
		{Name: "phone", Type: "string", Also: []string{"phone_number"}},
		{Name: n.DomainID, Type: "string", Setting: own + "DOMAIN_ID", Label: "ScraperSky domain id", FieldType: "text"},
		{Name: n.PageID, Type: "string", Setting: own + "PAGE_ID", Label: "ScraperSky page id", FieldType: "text"},
		{Name: n.SyncDate, Type: "date", Setting: own + "SYNC_DATE", Label: "ScraperSky sync date", FieldType: "date"},
	}
	all = slices.DeleteFunc(all, func(m portal.Mapped) bool { return m.Name == "" })
	for _, f := range n.Extra {
		all = append(all, portal.ForColumn(f.Name, f.Kind))
	}
	return all
}

// unsendable returns why a contact cannot be sent at all: what is no text would
// get lost in JSON, where two different keys could become one and cost a whole
// batch. What merely looks odd is HubSpot's to judge.
func unsendable(c contact.Contact) (why contact.Outcome, ok bool) {
	key := c.Key()
	switch {
	case key == "":
		return contact.Outcome{
			Verdict: contact.Reject, Code: contact.CodeNoEmail, Message: "the contact has no email address",
		}, true
	case !utf8.ValidString(c.Email):
		return contact.Outcome{
			Verdict: contact.Reject, Code: contact.CodeInvalidEmail, Message: "the email address is not valid UTF-8",
		}, true
	case strings.ContainsFunc(key, unicode.IsControl):
		return contact.Outcome{
			Verdict: contact.Reject, Code: contact.CodeInvalidEmail, Message: "the email address holds control characters",
		}, true
	}
	return contact.Outcome{}, false
}

// Draft returns what would be sent of a contact on a day, by the names of the
// properties, without a request to HubSpot; or, with a code, why nothing would be.
func (n PropertyNames) Draft(c contact.Contact, today time.Time) (fields []destination.Field, refused contact.Outcome) {
	if why, bad := unsendable(c); bad {
		return nil, why
	}
	values := n.values(c, today)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		fields = append(fields, destination.Field{Name: name, After: values[name]})
	}
	return fields, contact.Outcome{}
}

// Fingerprint returns a hash of all that is sent of a contact, but for the day: two
// contacts with the same email and the same fingerprint leave the same behind. It is
// nil for a contact that cannot be sent, and as long as it is not known whose the key
// is.
func (c *Client) Fingerprint(of contact.Contact) []byte {
	account := c.api.KnownAccount()
	if _, bad := unsendable(of); bad || account == nil {
		return nil
	}
	values := c.properties.values(of, time.Time{})
	delete(values, c.properties.SyncDate)
	sum := sha256.New()
	fmt.Fprintf(sum, "%q %d %q\n", c.api.BaseURL(), account.PortalID, of.Key())
	for _, name := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(sum, "%q %q\n", name, values[name])
	}
	return sum.Sum(nil)
}
