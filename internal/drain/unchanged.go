package drain

import (
	"context"

	"github.com/scrapersky/contactsync/internal/contact"
)

// Unchanged is how the loop knows what needs no request.
type Unchanged struct {
	// Hash is that of what a contact is told; nil where it must not be remembered.
	Hash func(c contact.Contact) []byte
	// Begin notes what is about to be sent, and returns what need not be: the keys
	// and the remote ids. It must be over before anything is sent. Settle notes how
	// it ended.
	Begin func(ctx context.Context, cycle int64, list []contact.Sending, force bool) (unchanged map[string]string, err error)
	// Force has everything sent, and remembered all the same.
	Force bool
}

// parted is the contacts of a batch that are to be sent, and the others.
type parted struct {
	places []int             // in the batch, of those that are sent; nil: of all
	same   map[string]string // remote ids of the others, by their keys
}

// split finds the contacts that need no request.
func (u *Unchanged) split(ctx context.Context, cycle int64, batch []contact.Contact) (parted, error) {
	if u == nil {
		return parted{}, nil
	}
	var list []contact.Sending
	for _, c := range batch {
		if key := c.Key(); key != "" {
			list = append(list, contact.Sending{Key: key, Hash: u.Hash(c)})
		}
	}
	if len(list) == 0 {
		return parted{}, nil
	}
	same, err := u.Begin(ctx, cycle, list, u.Force)
	if err != nil || len(same) == 0 {
		return parted{}, err
	}
	s := parted{same: same, places: []int{}}
	for i, c := range batch {
		if _, unchanged := same[c.Key()]; !unchanged {
			s.places = append(s.places, i)
		}
	}
	return s, nil
}

// upsert sends what is to be sent of a batch, and reports on all of it.
func (s parted) upsert(ctx context.Context, d Destination, batch []contact.Contact) contact.Report {
	if s.places == nil {
		return d.Upsert(ctx, batch)
	}
	outcomes := make([]contact.Outcome, len(batch))
	for i, c := range batch {
		outcomes[i] = contact.Outcome{Verdict: contact.Unchanged, RemoteID: s.same[c.Key()]}
	}
	var report contact.Report
	if len(s.places) > 0 {
		changed := make([]contact.Contact, len(s.places))
		for i, place := range s.places {
			changed[i] = batch[place]
		}
		report = d.Upsert(ctx, changed)
		for i, place := range s.places {
			outcomes[place] = report.Outcomes[i]
		}
	}
	report.Outcomes = outcomes
	return report
}

// releaseAll is the report of a batch of which nothing was sent, because of this
// process's own trouble.
func releaseAll(n int, why error) contact.Report {
	outcomes := make([]contact.Outcome, n)
	for i := range outcomes {
		outcomes[i] = contact.Outcome{Verdict: contact.Unspent, Code: contact.CodeOther, Message: "not sent: " + why.Error()}
	}
	return contact.Report{Outcomes: outcomes}
}
