package hubspotsim

import (
	"fmt"
	"net/http"
	"slices"
)

// propertyReply is a property in an answer.
type propertyReply struct {
	Property

	Description    string        `json:"description"`
	Options        []optionReply `json:"options"`
	HubSpotDefined bool          `json:"hubspotDefined"`
	HasUniqueValue bool          `json:"hasUniqueValue"`
	Hidden         bool          `json:"hidden"`
	Archived       bool          `json:"archived"`
	CreatedAt      string        `json:"createdAt"`
	UpdatedAt      string        `json:"updatedAt"`
	Modification   modification  `json:"modificationMetadata"`
}

type optionReply struct {
	Label  string `json:"label"`
	Value  string `json:"value"`
	Hidden bool   `json:"hidden"`
}

type modification struct {
	Archivable         bool `json:"archivable"`
	ReadOnlyDefinition bool `json:"readOnlyDefinition"`
	ReadOnlyValue      bool `json:"readOnlyValue"`
}

func (p Property) reply() propertyReply {
	r := propertyReply{
		Property: p, Options: []optionReply{}, HubSpotDefined: p.defined,
		HasUniqueValue: p.Name == "email" || p.Name == "hs_object_id",
		CreatedAt:      timestamp(p.created), UpdatedAt: timestamp(p.created),
		Modification: modification{!p.defined, p.defined, p.ReadOnly},
	}
	for _, option := range p.Options {
		r.Options = append(r.Options, optionReply{Label: option, Value: option})
	}
	return r
}

func (s *Sim) listProperties(*call) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	results := []propertyReply{}
	for _, p := range s.schema.sortedProperties() {
		results = append(results, p.reply())
	}
	return success(collection{Results: results})
}

func (s *Sim) getProperty(c *call) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.schema.properties[c.ids[0]]
	if !ok {
		return notFound("property '%s' does not exist", c.ids[0])
	}
	return success(p.reply())
}

// readProperties shows properties by name. Those that do not exist are named in
// one error of a 207.
func (s *Sim) readProperties(c *call) reply {
	var body struct {
		Inputs []struct {
			Name string `json:"name"`
		} `json:"inputs"`
	}
	if c.bad = strictJSON(c.body, &body); c.bad != nil {
		return c.badBody()
	}
	if len(body.Inputs) > maxBatch {
		return tooManyInputs(len(body.Inputs))
	}
	s.mu.Lock()
	started := s.options.Now()
	results, missing := []any{}, []string{}
	for _, in := range body.Inputs {
		if p, ok := s.schema.properties[in.Name]; ok {
			results = append(results, p.reply())
		} else {
			missing = append(missing, in.Name)
		}
	}
	s.mu.Unlock()
	var errors []itemError
	if len(missing) > 0 {
		errors = []itemError{newItemError(categoryNotFound, "Some properties do not exist.",
			map[string][]string{"name": missing}, nil)}
	}
	return s.batchAnswer(started, results, errors, len(missing))
}

// createProperty adds a property to a group that must exist.
func (s *Sim) createProperty(c *call) reply {
	var body struct {
		Property

		Options []optionReply `json:"options"`
	}
	if c.bad = strictJSON(c.body, &body); c.bad != nil {
		return c.badBody()
	}
	p := body.Property
	for _, option := range body.Options {
		p.Options = append(p.Options, option.Value)
	}
	if refusal := requireFields([][2]string{
		{"name", p.Name},
		{"label", p.Label},
		{"type", p.Type},
		{"fieldType", p.FieldType},
		{"groupName", p.GroupName},
	}); refusal != nil {
		return *refusal
	}
	if !slices.Contains([]string{"bool", "date", "datetime", "enumeration", "number", "phone_number", "string"}, p.Type) {
		return invalid("%q is not a type of properties", p.Type)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.schema.properties[p.Name]; ok {
		return alreadyExists("property", p.Name)
	}
	if _, ok := s.schema.groups[p.GroupName]; !ok {
		return invalid("property group '%s' does not exist", p.GroupName)
	}
	p.created = s.options.Now()
	s.schema.properties[p.Name] = p
	c.entry.Applied = true
	r := success(p.reply())
	r.status = http.StatusCreated
	return r
}

func requireFields(fields [][2]string) *reply {
	var missing []string
	for _, field := range fields {
		if field[1] == "" {
			missing = append(missing, field[0])
		}
	}
	if missing == nil {
		return nil
	}
	return new(invalid("Invalid input JSON: Some required fields were not set: %v", missing))
}

func alreadyExists(what, name string) reply {
	return refuse(http.StatusConflict, categoryExists, fmt.Sprintf("A %s named '%s' already exists.", what, name))
}
