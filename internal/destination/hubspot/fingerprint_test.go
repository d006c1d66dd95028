package hubspot

import (
	"bytes"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

// Everything that is sent makes a fingerprint, and nothing else does.
func TestFingerprint(t *testing.T) {
	t.Parallel()
	day := today()
	p := inMemory(t, simOptions(), func(o *Options) {
		o.Properties.Extra = []Extra{{Name: "jobtitle"}, {Name: "website", Clear: true}}
		o.Today = func() time.Time { return day }
	})
	ada := contact.Contact{ID: "1", Email: "Ada@example.org", Name: "Ada Example", Phone: "1", DomainID: "d", PageID: "p", Extra: []string{"Chief", ""}}
	if p.Fingerprint(ada) != nil {
		t.Error("there is one before it is known whose the key is")
	}
	if _, err := p.Account(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := p.Fingerprint(ada)
	if first == nil || p.Fingerprint(contact.Contact{}) != nil {
		t.Error("who can be sent has one, and nobody else")
	}
	same := func(what string, want bool, change func(c *contact.Contact)) {
		t.Helper()
		c := ada
		c.Extra = append([]string{}, ada.Extra...)
		change(&c)
		if got := bytes.Equal(p.Fingerprint(c), first); got != want {
			t.Errorf("%s: the same: %t, want %t", what, got, want)
		}
	}
	same("nothing", true, func(*contact.Contact) {})
	same("what is not sent", true, func(c *contact.Contact) { c.ID, c.UpdatedAt, c.Version = "2", day, "x" })
	same("the email's spelling", true, func(c *contact.Contact) { c.Email = " ada@EXAMPLE.org" })
	same("blanks", true, func(c *contact.Contact) { c.Name, c.Extra[0] = " Ada  Example", "Chief " })
	same("the email", false, func(c *contact.Contact) { c.Email = "bob@example.org" })
	same("the name", false, func(c *contact.Contact) { c.Name = "Ada Other" })
	same("a value that goes", false, func(c *contact.Contact) { c.Phone = "" })
	same("an extra column", false, func(c *contact.Contact) { c.Extra[1] = "x" })
	same("two that change places", false, func(c *contact.Contact) { c.DomainID, c.PageID = c.PageID, c.DomainID })

	day = day.Add(48 * time.Hour)
	if !bytes.Equal(p.Fingerprint(ada), first) {
		t.Error("the day makes a difference")
	}
	p.properties.Extra[1].Clear = false
	if bytes.Equal(p.Fingerprint(ada), first) {
		t.Error("another map makes no difference")
	}
	p.properties.Extra[1].Clear = true
	sim := simOptions()
	sim.PortalID++
	other := inMemory(t, sim, func(o *Options) { o.Properties = p.properties })
	if _, err := other.Account(t.Context()); err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(other.Fingerprint(ada), first) || !bytes.Equal(p.Fingerprint(ada), first) {
		t.Error("another account makes no difference")
	}
}
