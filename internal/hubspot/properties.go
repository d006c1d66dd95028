package hubspot

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/scrapersky/contactsync/internal/contact"
)

// PropertyNames are the internal names of the account's own properties. What
// has no name is not sent.
type PropertyNames struct {
	DomainID string // single-line text
	PageID   string // single-line text
	SyncDate string // date

	Further []Further // of the further columns, in the order of contact.Contact.Extra
}

// Further is the property that gets a further column.
type Further struct {
	Name  string
	Clear bool         // a blank value clears the property
	Kind  contact.Kind // of the column; empty where nobody has looked
}

// values is what HubSpot is told about a contact. A blank value is left out
// instead of clearing what HubSpot has, unless it is to be cleared. The email is not among them: it is the
// key, and as a property it would make the primary address of a secondary one.
func (n PropertyNames) values(c contact.Contact, today time.Time) map[string]string {
	first, last := splitName(c.Name)
	values := make(map[string]string, 6+len(n.Further))
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
		if value = strings.TrimSpace(value); value != "" || n.Further[i].Clear {
			values[n.Further[i].Name] = value
		}
	}
	return values
}

// same says whether two values of a property mean the same: HubSpot writes
// numbers and times in its own way.
func (n PropertyNames) same(name, a, b string) bool {
	if a == b {
		return true
	}
	at := slices.IndexFunc(n.Further, func(f Further) bool { return f.Name == name })
	if at < 0 {
		return false
	}
	switch n.Further[at].Kind {
	case contact.KindNumber:
		x, errX := strconv.ParseFloat(a, 64)
		y, errY := strconv.ParseFloat(b, 64)
		return errX == nil && errY == nil && x == y
	case contact.KindTime:
		x, errX := time.Parse(time.RFC3339, a)
		y, errY := time.Parse(time.RFC3339, b)
		return errX == nil && errY == nil && x.Equal(y)
	}
	return false
}

// has says whether a property is among those that values sends.
func (n PropertyNames) has(name string) bool {
	return slices.ContainsFunc(n.mapped(), func(m Mapped) bool { return m.Name == name })
}

// splitName parts a name at its first run of blanks. A single word is the first
// name.
func splitName(name string) (first, last string) {
	name = strings.TrimSpace(name)
	i := strings.IndexFunc(name, unicode.IsSpace)
	if i < 0 {
		return name, ""
	}
	return name[:i], strings.TrimSpace(name[i:])
}

// unsendable says why a contact cannot be sent at all: what is no text would
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
