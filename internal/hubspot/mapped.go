package hubspot

import (
	"fmt"
	"slices"
)

// Mapped is a property that contacts are written to, as it has to be.
type Mapped struct {
	Name      string
	Type      string // the wanted one
	Own       bool   // one of the account's own, which Setup creates
	label     string
	fieldType string
	also      []string // other types that do as well
}

// Mapped lists the properties that contacts are written to; the email, which is
// the key, is not among them.
func (c *Client) Mapped() []Mapped { return c.properties.mapped() }

func (n PropertyNames) mapped() []Mapped {
	all := []Mapped{
		{Name: "firstname", Type: "string"},
		{Name: "lastname", Type: "string"},
		{Name: "phone", Type: "string", also: []string{"phone_number"}},
		{Name: n.DomainID, Type: "string", Own: true, label: "ScraperSky domain id", fieldType: "text"},
		{Name: n.PageID, Type: "string", Own: true, label: "ScraperSky page id", fieldType: "text"},
		{Name: n.SyncDate, Type: "date", Own: true, label: "ScraperSky sync date", fieldType: "date"},
	}
	return slices.DeleteFunc(all, func(m Mapped) bool { return m.Name == "" })
}

// Fit says how well a property serves.
type Fit string

// The fits, best first.
const (
	Fits  Fit = "fits"
	Takes Fit = "takes" // every value goes in, but people get less of it
	Unfit Fit = "unfit" // HubSpot will refuse values
)

// Judge says whether a property that the account has serves, and if not quite,
// why.
func (m Mapped) Judge(p Property) (fit Fit, why string) {
	found := fmt.Sprintf("it is of type %s, but %s is wanted", p.Type, m.Type)
	switch {
	case p.ReadOnly:
		return Unfit, "it is read-only: HubSpot computes its value"
	case p.Unique:
		return Unfit, "its values must be unique, so that a second contact with the same one would be refused"
	case p.Type == m.Type, slices.Contains(m.also, p.Type):
		return Fits, ""
	case p.Type == "string":
		return Takes, found + ": values go in, but cannot be filtered and sorted as such"
	}
	return Unfit, found
}
