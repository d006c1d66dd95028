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

// Who is asked twice to stop is in a hurry: the request in flight is cut at once,
// its rows are settled all the same, and what is locked is tried once more only.
func TestHurryCutsTheRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hanging := func(ctx context.Context, batch []contact.Contact) contact.Report {
			<-ctx.Done()
			return all(batch, contact.Outcome{Verdict: contact.Unspent, InDoubt: true})
		}
		q, d := &fakeQueue{next: -1}, &fakeDestination{answer: hanging}
		q.add(3)
		hurry := make(chan struct{})
		ended := make(chan error, 1)
		_, stop, _ := start(t, q, d, func(l *Loop) { l.Hurry = hurry })
		time.Sleep(time.Second)
		go func() { ended <- stop() }()
		time.Sleep(time.Second)
		synctest.Wait()
		if len(ended) > 0 {
			t.Fatal("it stopped before anybody was in a hurry")
		}
		asked := time.Now()
		close(hurry)
		if err := <-ended; err != nil {
			t.Errorf("Run: %v, want an orderly end", err)
		}
		if took := time.Since(asked); took > time.Millisecond {
			t.Errorf("it stopped %v after it was to hurry", took)
		}
		if len(q.settled) != 1 || q.settled[0].Outcomes[2].Verdict != contact.Unspent {
			t.Errorf("settled %+v, want all three released", q.settled)
		}
	})
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
