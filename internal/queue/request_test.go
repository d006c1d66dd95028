package queue

import (
	"testing"

	"github.com/scrapersky/contactsync/internal/contact"
)

// A destination that is to drop doubles has to tell a request's second attempt from a
// request of its own: Request stays through all attempts, and is another one each time
// that the app asks anew.
func TestARequestHasOneNameThroughItsAttempts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	id := b.queued(1)[0]
	q := b.leader(0)
	sent := func(o contact.Outcome) string {
		t.Helper()
		b.exec(`UPDATE contacts SET next_retry_at = now() - interval '1 second' WHERE next_retry_at IS NOT NULL`)
		batch := claim(t, q, 10)
		if len(batch.Contacts) != 1 || batch.Contacts[0].Request == "" {
			t.Fatalf("claimed %+v, want one contact with the name of its request", batch.Contacts)
		}
		settle(t, q, batch, o)
		return batch.Contacts[0].Request
	}
	retry := contact.Outcome{Verdict: contact.Retry, Code: contact.CodeServerError, Message: "500"}
	unspent := contact.Outcome{Verdict: contact.Unspent, Code: contact.CodeWorkerStopped, Message: "stopped"}
	first := sent(retry)
	for _, o := range []contact.Outcome{unspent, retry, synced} {
		if again := sent(o); again != first {
			t.Errorf("another attempt of the request has the name %s, the first had %s", again, first)
		}
	}
	b.exec(`UPDATE contacts SET hubspot_processing_status = 'Queued' WHERE id = $1`, id)
	second := sent(retry)
	if second == first {
		t.Error("a request of a contact that was complete has the name of the one before")
	}
	b.exec(`UPDATE contacts SET hubspot_processing_status = 'Queued' WHERE id = $1`, id)
	batch := claim(t, q, 1)
	third := batch.Contacts[0].Request
	if third == second {
		t.Error("a request of a contact that waited for its retry has the name of the one before")
	}
	b.exec(`UPDATE contacts SET name = 'Changed in flight' WHERE id = $1`, id)
	settle(t, q, batch, synced)
	if fourth := sent(synced); fourth == third {
		t.Error("what is sent because the contact changed in flight has the name of what was sent before")
	}
}
