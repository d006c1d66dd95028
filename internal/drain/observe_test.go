package drain

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

// witness is an observer that remembers.
type witness struct {
	mu      sync.Mutex
	began   []Claimed
	ended   []Ended
	settled []contact.Final
	paused  []*contact.AccountPause
}

type cycleKey struct{}

func (w *witness) Began(ctx context.Context, c Claimed) context.Context {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.began = append(w.began, c)
	return context.WithValue(ctx, cycleKey{}, c.Cycle)
}

func (w *witness) Ended(ctx context.Context, e Ended) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := ctx.Value(cycleKey{}).(int64); !ok {
		panic("a cycle ended outside its context")
	}
	w.ended = append(w.ended, e)
}

func (w *witness) Settled(_ contact.Contact, _ contact.Outcome, s contact.Settled) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settled = append(w.settled, s.Final)
}

func (w *witness) Paused(p *contact.AccountPause) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.paused = append(w.paused, p)
}

func (w *witness) Rescued(int) {}

// Each cycle tells what made the loop look, so that a row which only the tick
// found can be told from one that a notification brought.
func TestObserverIsToldWhy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, d, w := &fakeQueue{next: -1}, &fakeDestination{}, &witness{}
		q.add(15) // two cycles, back to back
		wake, stop, _ := start(t, q, d, func(l *Loop) { l.Observer, l.Interval = w, time.Minute })
		time.Sleep(10 * time.Second)
		q.add(1)
		rung := time.Now()
		wake <- struct{}{}
		synctest.Wait()
		time.Sleep(linger / 2)
		q.add(1) // while it lingers
		time.Sleep(time.Second)
		q.add(1) // silently
		time.Sleep(time.Minute)
		q.mu.Lock()
		q.next = 2 * time.Second
		q.mu.Unlock()
		time.Sleep(time.Minute + time.Second) // beyond the tick: it sleeps until what is due next
		q.add(1)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if err := stop(); err != nil {
			t.Error(err)
		}
		var reasons []Reason
		for _, c := range w.began {
			reasons = append(reasons, c.Reason)
			if woken := map[bool]time.Time{true: rung}[c.Reason == ReasonWake]; !c.Woken.Equal(woken) {
				t.Errorf("%s: woken at %v, want %v", c.Reason, c.Woken, woken)
			}
		}
		if want := []Reason{ReasonStart, ReasonAwake, ReasonWake, ReasonAwake, ReasonTick, ReasonDue}; !slices.Equal(reasons, want) {
			t.Errorf("cycles because of %v\nwant             %v", reasons, want)
		}
		if len(w.ended) != len(w.began) || len(w.settled) != 19 {
			t.Errorf("%d cycles began, %d ended, %d contacts settled", len(w.began), len(w.ended), len(w.settled))
		}
	})
}

// A cycle that breaks off ends for the observer, too, and a pause is told with
// its end.
func TestObserverIsToldOfTrouble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, d, w := &fakeQueue{next: -1}, &fakeDestination{}, &witness{}
		q.add(1)
		d.answer = func(_ context.Context, batch []contact.Contact) contact.Report {
			r := all(batch, contact.Outcome{Verdict: contact.Unspent, Code: contact.CodeDailyLimit})
			r.Pause = &contact.AccountPause{Code: contact.CodeDailyLimit, For: time.Hour}
			return r
		}
		wake, stop, lose := start(t, q, d, func(l *Loop) { l.Observer = w })
		time.Sleep(time.Hour + time.Second)
		d.mu.Lock()
		d.answer = func(ctx context.Context, batch []contact.Contact) contact.Report {
			<-ctx.Done()
			return all(batch, contact.Outcome{Verdict: contact.Unspent})
		}
		d.mu.Unlock()
		q.add(1)
		wake <- struct{}{}
		time.Sleep(time.Second)
		lose()
		if err := stop(); !errors.Is(err, errLost) {
			t.Errorf("Run: %v", err)
		}
		if len(w.ended) != 2 || w.ended[0].Err != nil || !errors.Is(w.ended[1].Err, errLost) {
			t.Errorf("ended %+v, want two cycles, the second one lost", w.ended)
		}
		if len(w.paused) != 2 || w.paused[0] == nil || w.paused[0].Code != contact.CodeDailyLimit || w.paused[1] != nil {
			t.Errorf("paused %+v, want a pause and its end", w.paused)
		}
	})
}
