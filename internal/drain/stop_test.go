package drain

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

// strictQueue writes under the context it is given, as a database does.
type strictQueue struct{ fakeQueue }

func (q *strictQueue) Settle(ctx context.Context, a contact.Answered) (done []contact.Settled, rest contact.Answered, err error) {
	if err := context.Cause(ctx); err != nil {
		return nil, a, err
	}
	return q.fakeQueue.Settle(ctx, a)
}

// A request that is answered after an orderly stop was asked for is settled like
// any other: the stop ends the claiming, not the writing down.
func TestStopDoesNotReachTheSettle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := func(_ context.Context, batch []contact.Contact) contact.Report {
			time.Sleep(3 * time.Second)
			return all(batch, contact.Outcome{Verdict: contact.Synced, RemoteID: "1"})
		}
		q, d := &strictQueue{fakeQueue{next: -1}}, &fakeDestination{answer: slow}
		q.add(1)
		_, stop, _ := start(t, &q.fakeQueue, d, func(l *Loop) { l.Queue = q })
		time.Sleep(time.Second)
		if err := stop(); err != nil {
			t.Errorf("Run: %v, want an orderly end", err)
		}
		if len(q.settled) != 1 || q.settled[0].Outcomes[0].Verdict != contact.Synced {
			t.Errorf("settled %+v, want what was answered after the stop", q.settled)
		}
	})
}
