package hubspotsim

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Contact is one contact of the portal.
type Contact struct {
	ID    string `json:"id"`
	Email string `json:"email"` // the primary address, folded
	// Secondary holds further addresses that lead to this contact.
	Secondary  []string          `json:"secondary,omitempty"`
	Properties map[string]string `json:"properties"` // without those that were cleared
	Archived   bool              `json:"archived,omitempty"`
	CreatedAt  time.Time         `json:"created_at"`
	UpdatedAt  time.Time         `json:"updated_at"`
}

func (c *Contact) clone() Contact {
	cp := *c
	cp.Secondary = slices.Clone(c.Secondary)
	cp.Properties = maps.Clone(c.Properties)
	return cp
}

// fold is how addresses are compared.
func fold(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// firstID is the id before the first contact's: as long as HubSpot's are.
const firstID = 50_000_000_000

// book is all contacts.
type book struct {
	byID      map[string]*Contact
	byEmail   map[string]*Contact // by primary and secondary addresses
	conflicts map[string]*Contact // addresses whose upsert is a CONFLICT
	order     []*Contact          // as created
	lastID    int64
}

func newBook() *book {
	return &book{
		byID: map[string]*Contact{}, byEmail: map[string]*Contact{}, conflicts: map[string]*Contact{},
		lastID: firstID,
	}
}

// create adds a contact. Its address must be folded and may lead to another
// contact so far.
func (b *book) create(email string, now time.Time) *Contact {
	b.lastID++
	c := &Contact{
		ID: strconv.FormatInt(b.lastID, 10), Email: email,
		Properties: map[string]string{"email": email}, CreatedAt: now, UpdatedAt: now,
	}
	b.byID[c.ID] = c
	b.byEmail[email] = c
	b.order = append(b.order, c)
	return c
}

// set stores values; an empty one clears.
func (c *Contact) set(values map[string]string, now time.Time) {
	for name, value := range values {
		if value == "" {
			delete(c.Properties, name)
		} else {
			c.Properties[name] = value
		}
	}
	c.UpdatedAt = now
}

// rename gives a contact another primary address. A secondary one of its own is
// promoted and changes places with the former primary; any other replaces it.
func (b *book) rename(c *Contact, email string) {
	if email == c.Email {
		return
	}
	if i := slices.Index(c.Secondary, email); i >= 0 {
		c.Secondary[i] = c.Email
	} else {
		delete(b.byEmail, c.Email)
		b.byEmail[email] = c
	}
	c.Email = email
	c.Properties["email"] = email
}

// value is a property as it is read, those included that HubSpot computes; ok
// is false where it has none.
func (c *Contact) value(name string) (value string, ok bool) {
	switch name {
	case "hs_object_id":
		return c.ID, true
	case "createdate":
		return timestamp(c.CreatedAt), true
	case "lastmodifieddate":
		return timestamp(c.UpdatedAt), true
	case "hs_additional_emails":
		return strings.Join(c.Secondary, ";"), len(c.Secondary) > 0
	}
	value, ok = c.Properties[name]
	return value, ok
}

// Contact finds a contact by any of its addresses, archived ones included.
func (s *Sim) Contact(email string) (Contact, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.book.byEmail[fold(email)]
	if !ok {
		return Contact{}, false
	}
	return c.clone(), true
}

// Contacts is all contacts in the order of their creation, archived ones
// included.
func (s *Sim) Contacts() []Contact {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Contact, 0, len(s.book.order))
	for _, c := range s.book.order {
		all = append(all, c.clone())
	}
	return all
}
