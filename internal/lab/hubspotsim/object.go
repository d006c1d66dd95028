package hubspotsim

import (
	"maps"
	"slices"
	"strconv"
	"time"
)

// getContact shows one contact, by id or by "?idProperty=email".
func (s *Sim) getContact(c *call) reply {
	id, idProperty := c.ids[0], c.query.Get("idProperty")
	if !readable(idProperty) {
		return invalid("Unable to perform read by non-unique 0-1 property")
	}
	s.mu.Lock()
	contact := s.find(c, idProperty, id)
	if contact == nil {
		s.mu.Unlock()
		return notFound("resource not found")
	}
	shown := s.object(contact, list(c.query["properties"]))
	s.mu.Unlock()
	return success(shown)
}

// patchBody is the body of a PATCH.
type patchBody struct {
	Properties map[string]string `json:"properties"`
}

// patchInputs decodes the body of a PATCH: one contact.
func patchInputs(c *call) []Input {
	c.bad = strictJSON(c.body, &c.patch)
	return []Input{{ID: c.ids[0], IDProperty: c.query.Get("idProperty"), Properties: c.patch.Properties}}
}

// patchContact updates one contact, by id or by "?idProperty=email".
func (s *Sim) patchContact(c *call) reply {
	id, idProperty := c.ids[0], c.query.Get("idProperty")
	switch {
	case c.bad != nil:
		return c.badBody()
	case c.patch.Properties == nil:
		return invalid("Invalid input JSON: Some required fields were not set: [properties]")
	case !readable(idProperty):
		return invalid("Unable to perform update/upsert by non-unique 0-1 property")
	}
	if refusal := checkNulls(c.body); refusal != nil {
		return *refusal
	}
	s.mu.Lock()
	behaviour := s.behaviour
	contact := s.find(c, idProperty, id)
	if contact == nil {
		s.mu.Unlock()
		return notFound("resource not found")
	}
	checked := s.schema.check(c.version, c.patch.Properties, false)
	problem := s.checkEmail(contact, c.patch.Properties["email"])
	if len(checked.errors) > 0 {
		problem = badValues(checked.errors, s.options.PortalID)
	}
	if problem != nil {
		s.mu.Unlock()
		return problem.refusal(behaviour)
	}
	w := Write{Email: contact.Email, Properties: c.patch.Properties}
	if idProperty == "email" {
		w.Email = fold(id)
	}
	s.write(c, contact, checked.values, w, s.options.Now())
	shown := s.object(contact, slices.Collect(maps.Keys(c.patch.Properties)))
	s.mu.Unlock()
	shown.Warnings = checked.warnings
	return success(shown)
}

// recordURL is where a person sees a contact.
func (s *Sim) recordURL(id string) string {
	return "https://" + uiDomain + "/contacts/" + strconv.FormatInt(s.options.PortalID, 10) + "/record/0-1/" + id
}

// stranger is a contact that no portal has.
func stranger(n int) *object {
	id := strconv.Itoa(99_000_000_001 + n)
	then := timestamp(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC))
	isNew := false
	return &object{
		ID: id, CreatedAt: then, UpdatedAt: then, New: &isNew, TraceID: "of-another-request-" + id,
		Properties: fields{{name: "email", value: "stranger-" + id + "@example.net"}, {name: "hs_object_id", value: id}},
	}
}
