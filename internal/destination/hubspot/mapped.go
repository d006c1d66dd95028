package hubspot

import (
	"fmt"
	"slices"

	"github.com/scrapersky/contactsync/internal/contact"
)

// Mapped is a property that contacts are written to, as it has to be.
type Mapped struct {
	Name      string
	Type      string // the wanted one; empty: any
	Setting   string // what names it; empty: nothing, it is one of HubSpot's own
	label     string
	fieldType string
	also      []string // other types that do as well
	takes     []string // types that take those values that HubSpot can read as such
	keyed     bool     // it may be one whose values must be unique
	list      bool     // values are lists
}

// Own says that the property is one of the account's own, or meant to be: a
// setting names it, and Setup creates it.
func (m Mapped) Own() bool { return m.Setting != "" }

// Further says that it gets a further column.
func (m Mapped) Further() bool { return m.Setting == mapSetting }

// OfType is the wanted type in parentheses, to follow the name; empty where any
// will do.
func (m Mapped) OfType() string {
	if m.Type == "" {
		return ""
	}
	return " (type " + m.Type + ")"
}

// mapSetting is the setting that maps further columns.
const mapSetting = "HUBSPOT_PROPERTY_MAP"

// Mapped lists the properties that contacts are written to; the email, which is
// the key, is not among them.
func (c *Client) Mapped() []Mapped { return c.properties.mapped() }

func (n PropertyNames) mapped() []Mapped {
	const own = "HUBSPOT_CUSTOM_PROPERTY_"
	all := []Mapped{
		{Name: "firstname", Type: "string"},
		{Name: "lastname", Type: "string"},
		{Name: "phone", Type: "string", also: []string{"phone_number"}},
		{Name: n.DomainID, Type: "string", Setting: own + "DOMAIN_ID", label: "ScraperSky domain id", fieldType: "text"},
		{Name: n.PageID, Type: "string", Setting: own + "PAGE_ID", label: "ScraperSky page id", fieldType: "text"},
		{Name: n.SyncDate, Type: "date", Setting: own + "SYNC_DATE", label: "ScraperSky sync date", fieldType: "date"},
	}
	all = slices.DeleteFunc(all, func(m Mapped) bool { return m.Name == "" })
	for _, f := range n.Further {
		all = append(all, f.mapped())
	}
	return all
}

// mapped says which types of properties suit the kind of the column. A text may
// hold anything, so that each of its values is HubSpot's to judge.
func (f Further) mapped() Mapped {
	m := map[contact.Kind]Mapped{
		contact.KindText: {
			Type: "string", fieldType: "text", also: []string{"phone_number", "enumeration"},
			takes: []string{"number", "date", "datetime", "bool"},
		},
		contact.KindUUID:   {Type: "string", fieldType: "text", takes: []string{"enumeration"}},
		contact.KindNumber: {Type: "number", fieldType: "number", takes: []string{"enumeration"}},
		contact.KindBool:   {Type: "bool", fieldType: "booleancheckbox", takes: []string{"enumeration"}},
		contact.KindDay:    {Type: "date", fieldType: "date", also: []string{"datetime"}},
		contact.KindTime:   {Type: "datetime", fieldType: "date"},
		contact.KindList:   {Type: "string", fieldType: "textarea", also: []string{"enumeration"}, list: true},
	}[f.Kind]
	m.Name, m.Setting, m.label, m.keyed = f.Name, mapSetting, f.Name, true
	return m
}

// Fit says how well a property serves.
type Fit string

// The fits, best first.
const (
	Fits  Fit = "fits"
	Takes Fit = "takes" // every value goes in, but people get less of it; or not every value does
	Unfit Fit = "unfit" // HubSpot will refuse values
)

// Judge says whether a property that the account has serves, and if not quite,
// why.
func (m Mapped) Judge(p Property) (fit Fit, why string) {
	found := fmt.Sprintf("it is of type %s, but %s is wanted", p.Type, m.Type)
	switch {
	case p.ReadOnly:
		return Unfit, "it is read-only: HubSpot computes its value"
	case p.Unique && m.keyed:
		return Takes, "its values must be unique: a second contact with the same one is refused"
	case p.Unique:
		return Unfit, "its values must be unique, so that a second contact with the same one would be refused"
	case m.list && p.Type == "enumeration" && p.FieldType != "checkbox":
		return Takes, "it is of field type " + p.FieldType + ", which takes lists of one element alone; a checkbox takes several"
	case m.Type == "", p.Type == m.Type, slices.Contains(m.also, p.Type):
		return Fits, ""
	case slices.Contains(m.takes, p.Type):
		return Takes, found + ": only values go in that HubSpot can read as such"
	case p.Type == "string":
		return Takes, found + ": values go in, but cannot be filtered and sorted as such"
	}
	return Unfit, found
}
