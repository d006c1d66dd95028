package drain

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

// Rows that an app holds locked are settled as soon as they can be, and the
// others are not kept waiting.
func TestLockedRowsAreSettledLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, d := &fakeQueue{next: -1}, &fakeDestination{}
		q.add(10)
		tries := 0
		q.onSettle = func(a contact.Answered) (rest contact.Answered, err error) {
			if tries++; tries <= 3 {
				rest.Batch = a.Batch
				rest.Contacts, rest.Outcomes = a.Contacts[len(a.Contacts)-1:], a.Outcomes[len(a.Outcomes)-1:]
			}
			return rest, nil
		}
		_, stop, _ := start(t, q, d, nil)
		time.Sleep(time.Second)
		synctest.Wait()
		if err := stop(); err != nil {
			t.Error(err)
		}
		if tries != 4 {
			t.Errorf("settled %d times, want 4", tries)
		}
		if len(d.sent) != 1 {
			t.Errorf("sent %d times, want once", len(d.sent))
		}
	})
}

// A row whose write the database refuses costs no other row its outcome, and is
// tried again ever more rarely.
func TestRefusedRowStaysAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, d := &fakeQueue{next: -1}, &fakeDestination{}
		q.add(10)
		poison := q.ready[3].ID
		refusals := 0
		q.onSettle = func(a contact.Answered) (rest contact.Answered, err error) {
			for _, c := range a.Contacts {
				if c.ID == poison {
					refusals++
					return rest, errors.New("check constraint violated")
				}
			}
			return rest, nil
		}
		_, stop, _ := start(t, q, d, nil)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if err := stop(); err != nil {
			t.Error(err)
		}
		if n := len(q.settled); n != 9 {
			t.Errorf("%d rows settled, want the nine good ones", n)
		}
		if refusals < 8 || refusals > 18 {
			t.Errorf("%d tries in ten minutes, want waits that double to a minute", refusals)
		}
		requests := 0
		for _, a := range q.settled {
			requests += a.Requests
		}
		if requests != 1 {
			t.Errorf("%d requests counted, want 1", requests)
		}
	})
}
