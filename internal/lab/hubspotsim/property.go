package hubspotsim

import (
	"maps"
	"slices"
	"time"
)

// Property is a property of contacts.
type Property struct {
	Name      string   `json:"name"`
	Label     string   `json:"label"`
	Type      string   `json:"type"` // bool, date, datetime, enumeration, number, phone_number or string
	FieldType string   `json:"fieldType"`
	GroupName string   `json:"groupName"`
	Options   []string `json:"-"` // of an enumeration
	ReadOnly  bool     `json:"-"` // HubSpot computes it
	// Required makes version 2026-09 refuse to create a contact without it, or to
	// clear it.
	Required bool `json:"-"`

	defined bool // by HubSpot, not by the account
	created time.Time
}

// Group is a group of properties.
type Group struct {
	Name  string `json:"name"`
	Label string `json:"label"`
}

// ContactsyncProperties are the custom properties contactsync writes, as a
// person sets them up; every portal has them unless Options.Bare is set.
func ContactsyncProperties() []Property {
	custom := func(name, label, kind, field string) Property {
		return Property{Name: name, Label: label, Type: kind, FieldType: field, GroupName: "scrapersky"}
	}
	return []Property{
		custom("scrapersky_domain_id", "ScraperSky domain id", "string", "text"),
		custom("scrapersky_page_id", "ScraperSky page id", "string", "text"),
		custom("scrapersky_sync_date", "ScraperSky sync date", "date", "date"),
	}
}

// defaultProperties are some of those that every portal has.
func defaultProperties() []Property {
	text := func(name, label string) Property {
		return Property{Name: name, Label: label, Type: "string", FieldType: "text"}
	}
	computed := func(name, label, kind, field string) Property {
		return Property{Name: name, Label: label, Type: kind, FieldType: field, ReadOnly: true}
	}
	choice := func(name, label, field string, options ...string) Property {
		return Property{Name: name, Label: label, Type: "enumeration", FieldType: field, Options: options}
	}
	phone := text("phone", "Phone Number")
	phone.FieldType = "phonenumber"
	all := []Property{
		text("email", "Email"), text("firstname", "First Name"), text("lastname", "Last Name"),
		phone, text("mobilephone", "Mobile Phone Number"), text("company", "Company Name"),
		text("jobtitle", "Job Title"), text("website", "Website URL"), text("address", "Street Address"),
		text("city", "City"), text("zip", "Postal Code"), text("country", "Country/Region"),
		{Name: "closedate", Label: "Close Date", Type: "datetime", FieldType: "date"},
		{Name: "total_revenue", Label: "Total Revenue", Type: "number", FieldType: "number"},
		choice("lifecyclestage", "Lifecycle Stage", "radio", "subscriber", "lead", "marketingqualifiedlead",
			"salesqualifiedlead", "opportunity", "customer", "evangelist", "other"),
		choice("hs_lead_status", "Lead Status", "radio", "NEW", "OPEN", "IN_PROGRESS", "UNQUALIFIED"),
		choice("hs_language", "Preferred language", "select", "en", "de", "fr", "es"),
		computed("hs_object_id", "Record ID", "number", "number"),
		computed("hs_additional_emails", "Additional email addresses", "enumeration", "checkbox"),
		computed("createdate", "Create Date", "datetime", "date"),
		computed("lastmodifieddate", "Last Modified Date", "datetime", "date"),
	}
	for i := range all {
		all[i].GroupName, all[i].defined = "contactinformation", true
	}
	return all
}

// schema is the portal's properties and groups.
type schema struct {
	properties map[string]Property
	groups     map[string]Group
}

func newSchema(o Options) *schema {
	s := &schema{
		properties: map[string]Property{},
		groups:     map[string]Group{"contactinformation": {"contactinformation", "Contact information"}},
	}
	all := defaultProperties()
	if !o.Bare {
		all = append(all, ContactsyncProperties()...)
	}
	now := o.Now()
	for _, p := range append(all, o.Properties...) {
		p.fill(now)
		s.properties[p.Name] = p
		if _, ok := s.groups[p.GroupName]; !ok {
			s.groups[p.GroupName] = Group{p.GroupName, p.GroupName}
		}
	}
	return s
}

// fill gives what a test left out.
func (p *Property) fill(now time.Time) {
	set := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	set(&p.Label, p.Name)
	set(&p.Type, "string")
	set(&p.FieldType, map[string]string{
		"bool": "booleancheckbox", "date": "date", "datetime": "date", "enumeration": "select", "number": "number",
		"phone_number": "phonenumber",
	}[p.Type])
	set(&p.FieldType, "text")
	set(&p.GroupName, "contactinformation")
	p.created = now
}

func (s *schema) sortedProperties() []Property {
	return sortedValues(s.properties)
}

func (s *schema) sortedGroups() []Group { return sortedValues(s.groups) }

func sortedValues[V any](m map[string]V) []V {
	values := make([]V, 0, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		values = append(values, m[name])
	}
	return values
}

// AddProperty creates or replaces a property behind the API's back, as a person
// in HubSpot's settings does.
func (s *Sim) AddProperty(p Property) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.fill(s.options.Now())
	s.schema.properties[p.Name] = p
}

// RemoveProperty deletes a property, as a person in HubSpot's settings does. It
// reports whether there was one.
func (s *Sim) RemoveProperty(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.schema.properties[name]
	delete(s.schema.properties, name)
	return ok
}
