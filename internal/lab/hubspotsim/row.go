package hubspotsim

import (
	"fmt"
	"time"
)

// row is one input of an upsert after a look at it.
type row struct {
	input   *upsertInput
	contact *Contact // nil: to be created
	checked checked
	problem *problem // nil: can be written
}

// checkRow decides what is to become of an input. Call it under the lock.
func (s *Sim) checkRow(version string, in *upsertInput) row {
	r := row{input: in}
	if in.IDProperty == "email" {
		email := fold(in.ID)
		r.contact = s.upsertable(email)
		r.checked = s.schema.check(version, in.Properties, r.contact == nil)
		if !validEmail(in.ID) {
			r.checked.refuse("email", "INVALID_EMAIL", fmt.Sprintf("Email address %s is invalid", in.ID))
		}
		if existing, ok := s.book.conflicts[email]; ok && len(r.checked.errors) == 0 {
			r.problem = conflict(existing.ID)
		}
	} else {
		r.checked = s.schema.check(version, in.Properties, false)
		if r.contact = s.book.byID[in.ID]; r.contact == nil {
			r.problem = &problem{category: categoryNotFound, message: "No contact has the id " + in.ID}
		}
	}
	switch {
	case r.problem != nil:
	case len(r.checked.errors) > 0:
		r.problem = badValues(r.checked.errors, s.options.PortalID)
	default:
		r.problem = s.checkEmail(r.contact, in.Properties["email"])
	}
	if r.problem != nil {
		r.problem.input = in
	}
	return r
}

// upsertable is the contact that an upsert by email hits, nil where it makes a
// new one. Call it under the lock.
func (s *Sim) upsertable(email string) *Contact {
	c := s.book.byEmail[email]
	if c != nil && c.Archived && s.behaviour.ArchivedGetsNewID {
		return nil
	}
	return c
}

// checkEmail refuses an address, given as a property, that leads to another
// contact than c. Call it under the lock.
func (s *Sim) checkEmail(c *Contact, email string) *problem {
	if email == "" {
		return nil
	}
	if owner, ok := s.book.byEmail[fold(email)]; ok && owner != c {
		return conflict(owner.ID)
	}
	return nil
}

// applyRow writes a row and shows its result. Call it under the lock.
func (s *Sim) applyRow(c *call, r *row) *object {
	now := s.options.Now()
	if r.contact == nil { // unless a row above has taken this address since
		r.contact = s.upsertable(fold(r.input.ID))
	}
	created := r.contact == nil
	if created {
		r.contact = s.book.create(fold(r.input.ID), now)
	}
	s.write(c, r.contact, r.checked.values, Write{
		Email: s.addressOf(r.input, r.contact), Properties: r.input.Properties, Created: created,
	}, now)
	asked := make([]string, 0, len(r.input.Properties))
	for name := range r.input.Properties {
		asked = append(asked, name)
	}
	o := s.object(r.contact, asked)
	o.New, o.Warnings = &created, r.checked.warnings
	if !s.behaviour.NoTraceEcho {
		o.TraceID = r.input.TraceID
	}
	return o
}

func (s *Sim) addressOf(in *upsertInput, c *Contact) string {
	if in.IDProperty == "email" {
		return fold(in.ID)
	}
	return c.Email
}

// write stores values in a contact and puts the write on record. Call it under
// the lock.
func (s *Sim) write(c *call, contact *Contact, values map[string]string, w Write, now time.Time) {
	contact.Archived = false
	former := contact.Email
	contact.set(values, now)
	if email := fold(values["email"]); email != "" {
		contact.Properties["email"] = former // rename decides
		s.book.rename(contact, email)
	}
	c.entry.Applied = true
	w.Request, w.Time, w.ContactID = c.entry.Seq, now, contact.ID
	s.journal.addWrite(w)
	s.watchers.wake()
}
