package drain

import (
	"testing"

	"github.com/scrapersky/contactsync/internal/contact"
)

// Who failed beside others, when something of the batch went through, was never tried
// alone: an outage that begins then is not its fault.
func TestSuspectsAreThoseThatFailedAlone(t *testing.T) {
	t.Parallel()
	batch := contact.Batch{Contacts: []contact.Contact{{ID: "1"}, {ID: "2"}, {ID: "3"}}}
	var s suspects
	s.learn(&contact.Answered{Batch: batch, Report: contact.Report{Outcomes: []contact.Outcome{
		{Verdict: contact.Synced}, {Verdict: contact.Retry}, {Verdict: contact.Retry, Alone: true},
	}}})
	if s["1"] || s["2"] || !s["3"] {
		t.Errorf("suspects are %v, want 3 alone", s)
	}
	s.learn(&contact.Answered{Batch: batch, Report: contact.Report{Outcomes: []contact.Outcome{
		{Verdict: contact.Synced}, {Verdict: contact.Retry}, {Verdict: contact.Synced},
	}}})
	if len(s) != 0 {
		t.Errorf("suspects are %v after all went through", s)
	}
}
