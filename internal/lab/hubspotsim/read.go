package hubspotsim

import (
	"slices"
	"strings"
)

// readBody is the body of a batch read.
type readBody struct {
	IDProperty string `json:"idProperty"`
	Inputs     []struct {
		ID string `json:"id"`
	} `json:"inputs"`
	Properties []string `json:"properties"`
}

// readInputs decodes the body of a batch read.
func readInputs(c *call) []Input {
	c.bad = strictJSON(c.body, &c.read)
	inputs := make([]Input, len(c.read.Inputs))
	for i, in := range c.read.Inputs {
		inputs[i] = Input{ID: in.ID, IDProperty: c.read.IDProperty}
	}
	return inputs
}

// batchRead shows up to 100 contacts. Those that do not exist are named in one
// error of a 207.
func (s *Sim) batchRead(c *call) reply {
	body := c.read
	switch {
	case c.bad != nil:
		return c.badBody()
	case len(body.Inputs) > maxBatch:
		return tooManyInputs(len(body.Inputs))
	case !readable(body.IDProperty):
		return invalid("Unable to perform read by non-unique 0-1 property")
	}
	s.mu.Lock()
	started := s.options.Now()
	results, missing := []any{}, []string{}
	for _, in := range body.Inputs {
		if contact := s.find(c, body.IDProperty, in.ID); contact != nil {
			results = append(results, s.object(contact, body.Properties))
		} else {
			missing = append(missing, in.ID)
		}
	}
	s.random.Shuffle(len(results), func(i, j int) { results[i], results[j] = results[j], results[i] })
	s.mu.Unlock()
	var errors []itemError
	if len(missing) > 0 {
		const message = "Could not get some CONTACT objects, they may be deleted or not exist. Check that ids are valid."
		errors = []itemError{newItemError(categoryNotFound, message, map[string][]string{"ids": missing}, nil)}
	}
	return s.batchAnswer(started, results, errors, len(missing))
}

// readable says whether contacts can be found by a property.
func readable(idProperty string) bool {
	return slices.Contains([]string{"", "hs_object_id", "email"}, idProperty)
}

// find looks a contact up, by id or by any of its addresses. Archived ones are
// found only where the query asks for them. Call it under the lock.
func (s *Sim) find(c *call, idProperty, id string) *Contact {
	contact := s.book.byID[id]
	if idProperty == "email" {
		contact = s.book.byEmail[fold(id)]
	}
	if contact == nil || contact.Archived != (c.query.Get("archived") == "true") {
		return nil
	}
	return contact
}

// list splits query values that may be repeated or separated by commas.
func list(values []string) []string {
	var all []string
	for _, value := range values {
		for name := range strings.SplitSeq(value, ",") {
			if name = strings.TrimSpace(name); name != "" {
				all = append(all, name)
			}
		}
	}
	return all
}
