package queue

import (
	"testing"

	"github.com/scrapersky/contactsync/internal/contact"
)

// A row whose values changed in flight is sent again, although its status says
// that nothing happened: an app saved the whole row as it had read it, Processing,
// over another's request. What was sent is not what is wanted.
func TestTouchedRowGoesBackToTheQueue(t *testing.T) {
	t.Parallel()
	const fresh, spent = "retry_count = 0", "retry_count = 3"
	tests := map[string]struct {
		outcome     contact.Outcome
		tries, want string
	}{
		"synced":         {synced, fresh, "Queued Queued tries=0 - 77 unscheduled"},
		"refused":        {contact.Outcome{Verdict: contact.Reject, Code: contact.CodeInvalidValue}, fresh, "Queued Queued tries=0 - - unscheduled"},
		"budget is over": {contact.Outcome{Verdict: contact.Retry, Code: contact.CodeServerError}, spent, "Queued Queued tries=3 - - unscheduled"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			ids := b.queued(2)
			b.exec(`SET contactsync.worker = 'on'`) // the app's next statements are no fresh requests
			b.exec(`UPDATE contacts SET ` + test.tries)
			q := b.leader(0)
			batch := claim(t, q, 2)
			b.exec(`UPDATE contacts SET name = 'Newer' WHERE id = $1`, ids[0])
			done, _ := settle(t, q, batch, test.outcome)
			for _, s := range done {
				if touched := s.Final == contact.Touched; touched != (s.ID == ids[0]) {
					t.Errorf("settled %+v, want only the changed row touched", s)
				}
			}
			b.wantRow(ids[0], test.want)
			if n := b.claims(); n != "0" {
				t.Errorf("%s claims are left", n)
			}
		})
	}
}
