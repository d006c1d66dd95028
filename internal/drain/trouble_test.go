package drain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

var errFull = fmt.Errorf("settle: %w: no space left", contact.ErrTrouble)

// The database is in trouble for a while, at one of the things that the loop asks
// of it or at all. Nothing is sent twice, no outcome is changed, the loop does not
// run hot, it goes on soon, and tells both ends once.
func TestDatabaseInTrouble(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"everything", "enter", "claim", "settle", "touch", "arm", "pause", "resume"} {
		for _, lasts := range []time.Duration{time.Second, time.Minute} {
			t.Run(fmt.Sprintf("%s/%v", at, lasts), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var log bytes.Buffer
					q, d := &fakeQueue{next: -1}, &fakeDestination{}
					d.answer = func(_ context.Context, batch []contact.Contact) contact.Report {
						time.Sleep(6 * time.Second) // long enough for a touch
						d.mu.Lock()
						first := len(d.sent) == 1
						d.mu.Unlock()
						if first { // a pause to write down, and rows to resume after it
							r := all(batch, contact.Outcome{Verdict: contact.Retry, Code: contact.CodeUnauthorized})
							r.Pause = &contact.AccountPause{Code: contact.CodeUnauthorized, For: time.Second}
							return r
						}
						return all(batch, contact.Outcome{Verdict: contact.Synced, RemoteID: "1"})
					}
					q.add(35)
					var began time.Time // of the trouble
					refusals := 0
					q.trouble = func(what string) error {
						if at != what && at != "everything" {
							return nil
						}
						if began.IsZero() {
							began = time.Now()
						}
						if time.Since(began) >= lasts {
							return nil
						}
						refusals++
						return errFull
					}
					_, stop, _ := start(t, q, d, func(l *Loop) { l.Log = slog.New(slog.NewTextHandler(&log, nil)) })
					time.Sleep(lasts + 90*time.Second)
					synctest.Wait()
					if err := stop(); err != nil {
						t.Error(err)
					}
					seen := map[string]int{}
					for _, batch := range d.sent {
						for _, c := range batch {
							seen[c.ID]++
						}
					}
					settled := map[string]int{}
					for _, a := range q.settled {
						for i, c := range a.Contacts {
							settled[c.ID]++
							if v := a.Outcomes[i].Verdict; v == contact.Reject {
								t.Errorf("a contact was rejected for the database's trouble: %+v", a.Outcomes[i])
							}
						}
					}
					for id, n := range seen {
						if n != 1 || settled[id] != 1 {
							t.Errorf("contact %s was sent %d times and settled %d times", id, n, settled[id])
						}
					}
					if len(seen) != 35 {
						t.Errorf("%d contacts were sent, want 35", len(seen))
					}
					if most := 10 + 16*int(lasts/maxDBWait); refusals > most { // what was under way, row by row in the end
						t.Errorf("%d tries, want at most %d", refusals, most)
					}
					for _, line := range []string{"database error", "database recovered", "could not be refreshed"} {
						if n := strings.Count(log.String(), line); n > 1 {
							t.Errorf("%q was told %d times:\n%s", line, n, log.String())
						}
					}
					if began, over := strings.Contains(log.String(), "database error"), strings.Contains(log.String(), "database recovered"); began != over || began == (at == "touch") {
						t.Errorf("trouble told: %t, its end: %t", began, over)
					}
				})
			})
		}
	}
}

// One row whose outcome makes the database itself fail stays alone: the others of
// its batch are settled, and the queue goes on.
func TestTroubleOfOneRow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, d := &fakeQueue{next: -1}, &fakeDestination{}
		q.add(30)
		bad := q.ready[3].ID
		q.onSettle = func(a contact.Answered) (rest contact.Answered, err error) {
			for _, c := range a.Contacts {
				if c.ID == bad {
					return rest, errFull
				}
			}
			return rest, nil
		}
		_, stop, _ := start(t, q, d, nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		settled := 0
		for _, a := range q.settled {
			settled += len(a.Contacts)
		}
		if settled != 29 || len(d.sent) != 3 {
			t.Errorf("%d contacts settled, %d requests; want 29 and 3", settled, len(d.sent))
		}
		q.mu.Lock()
		q.onSettle = nil
		q.mu.Unlock()
		time.Sleep(maxDBWait)
		synctest.Wait()
		if last := q.settled[len(q.settled)-1]; last.Contacts[0].ID != bad || last.Outcomes[0].Verdict != contact.Synced {
			t.Errorf("settled last: %+v, want what was answered for the bad row", last)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// While a settle is refused for good, the loop does not send more and more.
func TestNothingIsClaimedWhileManyAreStuck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, d := &fakeQueue{next: -1}, &fakeDestination{}
		q.add(500)
		q.trouble = func(what string) error {
			if what == "settle" {
				return errFull
			}
			return nil
		}
		_, stop, _ := start(t, q, d, func(l *Loop) { l.CutAfter = time.Second })
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := len(d.sent); n > 3 {
			t.Errorf("%d batches sent in an hour", n)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// A round that is to be done once does not wait for ever.
func TestOnceGivesUpOnTrouble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, d := &fakeQueue{next: -1, trouble: func(string) error { return errFull }}, &fakeDestination{}
		l := &Loop{Queue: q, Destination: d, Listener: listener(true), Log: slog.New(slog.DiscardHandler), BatchSize: 10, Slots: 1, Once: true}
		began := time.Now()
		if err := l.Run(t.Context(), t.Context()); !errors.Is(err, contact.ErrTrouble) {
			t.Errorf("Run: %v, want the trouble", err)
		}
		if took := time.Since(began); took < onceTrouble || took > 2*onceTrouble {
			t.Errorf("gave up after %v", took)
		}
	})
}
