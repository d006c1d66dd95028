package drain

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

func TestCyclesFollowBackToBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, d := &fakeQueue{next: -1}, &fakeDestination{}
		q.add(25)
		began := time.Now()
		_, stop, _ := start(t, q, d, nil)
		time.Sleep(time.Millisecond) // the loop is asleep now, or lingers
		synctest.Wait()
		if err := stop(); err != nil {
			t.Error(err)
		}
		var sizes []int
		for _, batch := range d.sent {
			sizes = append(sizes, len(batch))
		}
		slices.Sort(sizes) // the last two are sent at the same time
		if want := []int{5, 10, 10}; !slices.Equal(sizes, want) {
			t.Errorf("cycles of %v, want %v", sizes, want)
		}
		if waited := time.Since(began); waited > 2*time.Millisecond {
			t.Errorf("the cycles took %v of waiting", waited)
		}
	})
}

// Every source that can end a sleep does, at once, and nothing else does.
func TestSleepEnds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		next   time.Duration
		change func(*Loop)
		wake   bool // ring after ten seconds
		want   time.Duration
	}{
		{"a notification", -1, nil, true, 10 * time.Second},
		{"a row that becomes due", 3 * time.Second, nil, false, 3 * time.Second},
		{"the tick", -1, func(l *Loop) { l.Interval = time.Minute }, false, time.Minute},
		{"a listener that is not proven", -1, func(l *Loop) { l.Listener = listener(false) }, false, time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q, d := &fakeQueue{next: test.next}, &fakeDestination{}
				wake, stop, _ := start(t, q, d, test.change)
				synctest.Wait()
				asleep := time.Now()
				woken := make(chan time.Duration, 1)
				q.mu.Lock()
				before := len(q.claims)
				q.onClaim = func() {
					select {
					case woken <- time.Since(asleep):
					default:
					}
				}
				q.mu.Unlock()
				if before == 0 {
					t.Fatal("no claim before the sleep")
				}
				if test.wake {
					time.Sleep(10 * time.Second)
					wake <- struct{}{}
				}
				if got := <-woken; got < test.want || got > test.want+time.Millisecond {
					t.Errorf("woke after %v, want %v", got, test.want)
				}
				if err := stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// A writer that keeps its transaction open must cost polls that get rarer, and
// rows that a stranger holds locked must be looked for again: nobody rings.
func TestPollsWhileItCannotSleep(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		queue    *fakeQueue
		slots    int
		min, max int // claims in ten seconds
	}{
		{"an open writer", &fakeQueue{writer: true, next: -1}, 1, 40, 50},
		{"an open writer, or another leader asleep", &fakeQueue{writer: true, next: -1}, 3, 10, 20},
		{"a stranger's row lock", &fakeQueue{locked: 1, next: -1}, 1, 40, 50},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q, d := test.queue, &fakeDestination{}
				_, stop, _ := start(t, q, d, func(l *Loop) { l.Slots = test.slots })
				time.Sleep(10 * time.Second)
				synctest.Wait()
				if err := stop(); err != nil {
					t.Error(err)
				}
				if n := len(q.claims); n < test.min || n > test.max {
					t.Errorf("%d claims in ten seconds, want %d to %d", n, test.min, test.max)
				}
			})
		})
	}
}

func TestEqualEmailsAreSentOnceAndShareTheOutcome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, d := &fakeQueue{next: -1}, &fakeDestination{}
		q.ready = []contact.Contact{{ID: "1", Email: "a@example.org"}, {ID: "2", Email: "b@example.org"}, {ID: "3", Email: " A@Example.org"}}
		d.answer = func(_ context.Context, batch []contact.Contact) contact.Report {
			r := all(batch, contact.Outcome{Verdict: contact.Synced})
			for i, c := range batch {
				r.Outcomes[i].RemoteID = "of " + c.Key()
			}
			return r
		}
		_, stop, _ := start(t, q, d, nil)
		synctest.Wait()
		if err := stop(); err != nil {
			t.Error(err)
		}
		if len(d.sent) != 1 || len(d.sent[0]) != 2 {
			t.Fatalf("sent %v, want one batch of two", d.sent)
		}
		for i, want := range []string{"of a@example.org", "of b@example.org", "of a@example.org"} {
			if got := q.settled[0].Outcomes[i].RemoteID; got != want {
				t.Errorf("contact %d settled with %q, want %q", i, got, want)
			}
		}
	})
}

// blocked answers only when its request is cut, as a client must.
func blocked(ctx context.Context, batch []contact.Contact) contact.Report {
	<-ctx.Done()
	return all(batch, contact.Outcome{Verdict: contact.Unspent, InDoubt: true})
}

func TestStopFinishesThenCutsTheRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, d := &fakeQueue{next: -1}, &fakeDestination{answer: blocked}
		q.add(15)
		_, stop, _ := start(t, q, d, nil)
		time.Sleep(21 * time.Second) // long enough to have touched its claims
		began := time.Now()
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 22*time.Second {
			t.Errorf("the stop took %v, want CutAfter, 22s", took)
		}
		if len(q.settled) != 1 || !q.settled[0].Outcomes[0].InDoubt {
			t.Errorf("settled %+v, want the one batch, in doubt", q.settled)
		}
		if len(q.ready) != 5 {
			t.Errorf("%d rows left in the queue, want 5: a stop claims nothing more", len(q.ready))
		}
		if q.touched < 8 {
			t.Errorf("claims touched %d times in 43 s, want every five", q.touched)
		}
	})
}

func TestLostLeaseSettlesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, d := &fakeQueue{next: -1}, &fakeDestination{answer: blocked}
		q.add(1)
		_, stop, lose := start(t, q, d, nil)
		synctest.Wait()
		lose()
		if err := stop(); !errors.Is(err, errLost) {
			t.Errorf("Run: %v, want the cause of the loss", err)
		}
		if len(q.settled) != 0 {
			t.Errorf("settled %+v after the lease was lost", q.settled)
		}
	})
}

// After an error of a claim or of the doorbell nobody knows whether the doorbell
// is still held: the session must be given up, and not one more statement tried.
func TestErrorsEndTheSession(t *testing.T) {
	t.Parallel()
	broken := errors.New("after the unlock")
	for _, at := range []string{"claim", "arm"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q, d := &brokenQueue{at: at, err: broken}, &fakeDestination{}
				l := &Loop{Queue: q, Destination: d, Listener: listener(true), Wake: make(chan struct{}), Log: quiet(), BatchSize: 10, Slots: 1, Interval: time.Hour}
				if err := l.Run(t.Context(), t.Context()); !errors.Is(err, broken) {
					t.Errorf("Run: %v, want the error of the %s", err, at)
				}
				if q.after != 0 {
					t.Errorf("%d more statements on a broken session", q.after)
				}
			})
		})
	}
}

func TestOnceReturnsWhenNothingIsDue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, d := &fakeQueue{next: time.Hour}, &fakeDestination{}
		q.add(12)
		l := &Loop{Queue: q, Destination: d, Listener: listener(true), Wake: make(chan struct{}), Log: quiet(), BatchSize: 10, Slots: 1, Interval: time.Hour, Once: true}
		if err := l.Run(t.Context(), t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(d.sent) != 2 {
			t.Errorf("%d batches sent, want 2", len(d.sent))
		}
	})
}
