package drain

import "github.com/scrapersky/contactsync/internal/contact"

// mostSuspects bounds what is remembered.
const mostSuspects = 10_000

// suspects is the rows that failed alone while others went through, by their ids: it is
// likely to be their own fault when they do so again. They are sent in requests of
// their own. Only this leader knows them; the next one finds them out anew.
type suspects map[string]bool

// learn takes note of what a report shows that was answered usably.
func (s *suspects) learn(a *contact.Answered) {
	for i, o := range a.Outcomes[:min(len(a.Outcomes), len(a.Contacts))] {
		switch id := a.Contacts[i].ID; {
		case o.Alone:
			s.add(id)
		case o.Verdict == contact.Synced, o.Verdict == contact.Reject:
			delete(*s, id)
		}
	}
}

func (s *suspects) add(id string) {
	if *s == nil || len(*s) >= mostSuspects {
		*s = suspects{} // whom it forgets is found out anew
	}
	(*s)[id] = true
}

// all reports whether only suspects were sent and failed.
func (s suspects) all(a *contact.Answered) bool {
	failed := false
	for i, o := range a.Outcomes[:min(len(a.Outcomes), len(a.Contacts))] {
		switch o.Verdict {
		case contact.Retry:
			failed = true
		case contact.Reject, contact.Unchanged:
			continue
		case contact.Synced, contact.Unspent:
		}
		if !s[a.Contacts[i].ID] {
			return false
		}
	}
	return failed
}

// anyOf reports whether one of the rows is a suspect.
func (s suspects) anyOf(batch []contact.Contact, rows []int) bool {
	for _, row := range rows {
		if s[batch[row].ID] {
			return true
		}
	}
	return false
}
