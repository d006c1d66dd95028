// Package portal looks at a HubSpot account and sets it up: which properties it has
// and whether they suit the values that are sent, what the key may do, and what a
// sync would change. Only people ask for it (plan, setup, doctor), and the start of a
// leader; no contact's way leads through here.
package portal

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination/hubspot/api"
)

// Mapped is a property that contacts are written to, as it has to be.
type Mapped struct {
	Name      string
	Type      string   // the wanted one; empty: any
	Setting   string   // the setting that names it; empty: it is one of HubSpot's own
	Label     string   // for people, where Setup creates it
	FieldType string   // how people see it, where Setup creates it
	Also      []string // other types that do as well

	kind  contact.Kind // of the column
	takes []string     // types that accept those values that HubSpot can read as such
	keyed bool         // it may be one whose values must be unique
	list  bool         // values are lists
}

// MapSetting is the setting that maps extra columns.
const MapSetting = "HUBSPOT_PROPERTY_MAP"

// Own reports whether the property is one of the account's own, or meant to be: a
// setting names it, and Setup creates it.
func (m Mapped) Own() bool { return m.Setting != "" }

// Extra reports whether it gets an extra column.
func (m Mapped) Extra() bool { return m.Setting == MapSetting }

// OfType returns the wanted type in parentheses, to follow the name; empty where any
// will do.
func (m Mapped) OfType() string {
	if m.Type == "" {
		return ""
	}
	return " (type " + m.Type + ")"
}

// ForColumn returns the property that suits an extra column of a kind; empty: any
// property does. A text may hold anything, so that HubSpot judges each of its values.
func ForColumn(name string, kind contact.Kind) Mapped {
	m := map[contact.Kind]Mapped{
		contact.KindText: {
			Type: "string", FieldType: "text", Also: []string{"phone_number", "enumeration"},
			takes: []string{"number", "date", "datetime", "bool"},
		},
		contact.KindUUID:   {Type: "string", FieldType: "text", takes: []string{"enumeration"}},
		contact.KindNumber: {Type: "number", FieldType: "number", takes: []string{"enumeration"}},
		contact.KindBool:   {Type: "bool", FieldType: "booleancheckbox", takes: []string{"enumeration"}},
		contact.KindDay:    {Type: "date", FieldType: "date", Also: []string{"datetime"}},
		contact.KindTime:   {Type: "datetime", FieldType: "date"},
		contact.KindList:   {Type: "string", FieldType: "textarea", Also: []string{"enumeration"}, list: true},
	}[kind]
	m.Name, m.Setting, m.Label, m.kind, m.keyed = name, MapSetting, name, kind, true
	return m
}

// Fit is how well a property serves.
type Fit string

// The fits, best first.
const (
	Fits  Fit = "fits"
	Takes Fit = "takes" // every value goes in, but people get less of it; or not every value does
	Unfit Fit = "unfit" // HubSpot will refuse values
)

// Judge returns whether a property that the account has serves, and if not quite,
// why.
func (m Mapped) Judge(p api.Property) (fit Fit, why string) {
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
	case m.Type == "", p.Type == m.Type, slices.Contains(m.Also, p.Type):
		return Fits, ""
	case slices.Contains(m.takes, p.Type):
		return Takes, found + ": only values go in that HubSpot can read as such"
	case p.Type == "string":
		return Takes, found + ": values go in, but cannot be filtered and sorted as such"
	}
	return Unfit, found
}

// same reports whether two values of the property mean the same: HubSpot writes
// numbers and times in its own way.
func (m Mapped) same(a, b string) bool {
	if a == b {
		return true
	}
	switch m.kind {
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
