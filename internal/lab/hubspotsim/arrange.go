package hubspotsim

import (
	"fmt"
	"slices"
)

// Put creates or changes a contact behind the API's back, as a person in
// HubSpot does: nothing is checked, and it does not count as a write.
func (s *Sim) Put(email string, properties map[string]string) Contact {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.put(email, properties).clone()
}

func (s *Sim) put(email string, properties map[string]string) *Contact {
	email, now := fold(email), s.options.Now()
	c, ok := s.book.byEmail[email]
	if !ok {
		c = s.book.create(email, now)
	}
	c.Archived = false
	c.set(properties, now)
	return c
}

// AddSecondary gives the contact of the first address a second one: what is
// upserted by it hits the same contact. The contact is created if need be. It
// returns an error if the second address leads to another contact.
func (s *Sim) AddSecondary(email, secondary string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.addSecondary(email, secondary)
	return err
}

func (s *Sim) addSecondary(email, secondary string) (*Contact, error) {
	secondary = fold(secondary)
	owner, taken := s.book.byEmail[secondary]
	if taken && owner != s.book.byEmail[fold(email)] {
		return nil, fmt.Errorf("%s already leads to contact %s", secondary, owner.ID)
	}
	c := s.put(email, nil)
	if c.Email != secondary && !slices.Contains(c.Secondary, secondary) {
		c.Secondary = append(c.Secondary, secondary)
		s.book.byEmail[secondary] = c
	}
	return c, nil
}

// Conflict makes email a secondary address of the contact of existing (created
// if need be) for which HubSpot does not find the contact on upsert: it answers
// CONFLICT. Reads by it, and a PATCH by the contact's id, work. It returns an
// error if email leads to another contact.
func (s *Sim) Conflict(email, existing string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.addSecondary(existing, email)
	if err == nil {
		s.book.conflicts[fold(email)] = c
	}
	return err
}

// Archive archives a contact: reads no longer find it. It reports whether there
// was one.
func (s *Sim) Archive(email string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.book.byEmail[fold(email)]
	if ok {
		c.Archived = true
	}
	return ok
}

// Delete removes a contact for good, as a merge does with the contact that is
// merged away: its id is not found any more. It reports whether there was one.
func (s *Sim) Delete(email string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.book.byEmail[fold(email)]
	if !ok {
		return false
	}
	delete(s.book.byID, c.ID)
	for _, address := range append(slices.Clone(c.Secondary), c.Email) {
		delete(s.book.byEmail, address)
		delete(s.book.conflicts, address)
	}
	s.book.order = slices.DeleteFunc(s.book.order, func(other *Contact) bool { return other == c })
	return true
}
