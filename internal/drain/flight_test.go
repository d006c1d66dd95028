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

// slowly is a destination that takes its time, and counts how much it is asked at
// the same time.
type slowly struct {
	fakeDestination

	takes     time.Duration
	now, most int
	over      map[string][]time.Time // by email, when its requests began and ended
}

func (d *slowly) Upsert(ctx context.Context, batch []contact.Contact) contact.Report {
	d.count(1, batch)
	defer d.count(-1, batch)
	time.Sleep(d.takes)
	return d.fakeDestination.Upsert(ctx, batch)
}

func (d *slowly) count(one int, batch []contact.Contact) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now += one
	d.most = max(d.most, d.now)
	if d.over == nil {
		d.over = map[string][]time.Time{}
	}
	for _, c := range batch {
		d.over[c.Key()] = append(d.over[c.Key()], time.Now())
	}
}

// A slow answer keeps no batch waiting, once the account is known to work; but no
// more are under way than it takes to keep HubSpot busy.
func TestBatchesAreUnderWayAtTheSameTime(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ size, rows, most int }{{10, 170, 8}, {100, 1700, 8}, {200, 1800, 4}, {1000, 5000, 2}} {
		synctest.Test(t, func(t *testing.T) {
			q, d := &fakeQueue{next: -1}, &slowly{takes: 250 * time.Millisecond}
			q.add(test.rows)
			began := time.Now()
			_, stop, _ := start(t, q, nil, func(l *Loop) { l.Destination, l.BatchSize = d, test.size })
			batches := (test.rows + test.size - 1) / test.size
			rounds := 1 + (batches-1+test.most-1)/test.most // the first goes alone
			time.Sleep(time.Duration(rounds)*d.takes - time.Millisecond)
			synctest.Wait()
			if len(verdicts(q)) == batches {
				t.Errorf("batches of %d: all settled after %v already", test.size, time.Since(began))
			}
			time.Sleep(2 * time.Millisecond)
			synctest.Wait()
			if err := stop(); err != nil {
				t.Error(err)
			}
			if len(q.settled) != batches || d.most != test.most {
				t.Errorf("batches of %d: %d of %d settled, at most %d under way, want %d", test.size, len(q.settled), batches, d.most, test.most)
			}
		})
	}
}

// A contact that is queued while others are under way does not wait for their
// answer.
func TestQueuedWhileOthersAreUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, d := &fakeQueue{next: -1}, &slowly{takes: time.Second}
		wake, stop, _ := start(t, q, nil, func(l *Loop) { l.Destination = d })
		queue := func(email string) {
			q.mu.Lock()
			q.ready = append(q.ready, contact.Contact{ID: email, Email: email})
			q.mu.Unlock()
			select {
			case wake <- struct{}{}:
			default:
			}
		}
		queue("first@example.org") // goes alone: the account is not known yet
		time.Sleep(5 * time.Second)
		began := time.Now()
		queue("a@example.org")
		time.Sleep(100 * time.Millisecond)
		queue("b@example.org")
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if err := stop(); err != nil {
			t.Error(err)
		}
		for email, want := range map[string][]time.Duration{
			"a@example.org": {0, time.Second},
			"b@example.org": {gatherFor, gatherFor + time.Second},
		} {
			var got []time.Duration
			for _, at := range d.over[email] {
				got = append(got, at.Sub(began))
			}
			if !slices.Equal(got, want) {
				t.Errorf("requests for %s began and ended after %v, want %v", email, got, want)
			}
		}
		if len(q.settled) != 3 {
			t.Errorf("%d batches settled, want 3", len(q.settled))
		}
	})
}

// Contacts that come one by one share requests while others are under way, so that
// they do not use up the account's limit, and cost few claims.
func TestContactsThatComeOneByOneAreGathered(t *testing.T) {
	t.Parallel()
	for _, takes := range []time.Duration{250 * time.Millisecond, 2 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			q, d := &fakeQueue{next: -1}, &slowly{takes: takes}
			wake, stop, _ := start(t, q, nil, func(l *Loop) { l.Destination = d })
			const contacts = 300
			for range contacts { // ten seconds
				q.add(1)
				select {
				case wake <- struct{}{}:
				default:
				}
				time.Sleep(33 * time.Millisecond)
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			if err := stop(); err != nil {
				t.Error(err)
			}
			sent := 0
			for _, batch := range d.sent {
				sent += len(batch)
			}
			if sent != contacts || len(d.sent) > 45 || len(q.claims) > 120 {
				t.Errorf("%d of %d contacts sent in %d requests after %d claims, want 45 and 120 at most", sent, contacts, len(d.sent), len(q.claims))
			}
			t.Logf("an answer takes %v: %d requests, %d claims", takes, len(d.sent), len(q.claims))
		})
	}
}

// A failure meets everything that is under way at the same moment. It spends three
// batches all the same, and pauses once.
func TestOutageMeetsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, d := &fakeQueue{next: -1}, &slowly{takes: time.Second}
		down := time.Now().Add(2500 * time.Millisecond)
		up := down.Add(time.Minute)
		d.answer = func(_ context.Context, batch []contact.Contact) contact.Report {
			if now := time.Now(); now.Before(down) || now.After(up) {
				return all(batch, contact.Outcome{Verdict: contact.Synced})
			}
			r := all(batch, contact.Outcome{Verdict: contact.Retry, Code: contact.CodeServerError})
			r.Outage = true
			return r
		}
		q.add(600)
		w := &witness{}
		_, stop, _ := start(t, q, nil, func(l *Loop) { l.Destination, l.Observer = d, w })
		time.Sleep(5 * time.Second) // the first goes alone, eight succeed, eight fail
		synctest.Wait()
		var spent, released int
		for _, v := range verdicts(q) {
			switch v {
			case contact.Retry:
				spent++
			case contact.Unspent:
				released++
			}
		}
		w.mu.Lock()
		pauses := len(w.paused)
		w.mu.Unlock()
		if spent != outagesToStop || released != 8-outagesToStop || pauses != 1 {
			t.Errorf("%d batches spent an attempt, %d were released, %d pauses; want %d, %d and one", spent, released, pauses, outagesToStop, 8-outagesToStop)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if err := stop(); err != nil {
			t.Error(err)
		}
		if len(q.ready) != 0 {
			t.Errorf("%d contacts left", len(q.ready))
		}
	})
}

// An orderly stop settles all that is under way, and cuts all of it when it takes
// too long; a lost lease settles none of it. Neither leaves anything behind.
func TestEndsWithSeveralUnderWay(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		lost    bool
		settled int
	}{"stop": {false, 4}, "lost lease": {true, 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var once sync.Once
				q, w, d := &fakeQueue{next: -1}, &witness{}, &fakeDestination{}
				d.answer = func(ctx context.Context, batch []contact.Contact) (r contact.Report) {
					once.Do(func() { r = all(batch, contact.Outcome{Verdict: contact.Synced}) })
					if r.Outcomes == nil {
						r = blocked(ctx, batch)
					}
					return r
				}
				q.add(40)
				_, stop, lose := start(t, q, d, func(l *Loop) { l.Observer = w })
				time.Sleep(12 * time.Second)
				synctest.Wait()
				q.mu.Lock()
				if q.touched != 6 || q.touches != 2 {
					t.Errorf("%d cycles touched %d times, want three twice", q.touched, q.touches)
				}
				q.mu.Unlock()
				began := time.Now()
				if test.lost {
					lose()
				}
				if err := stop(); test.lost != errors.Is(err, errLost) || !test.lost && err != nil {
					t.Errorf("Run: %v", err)
				}
				if took, want := time.Since(began), map[bool]time.Duration{false: 22 * time.Second}[test.lost]; took != want {
					t.Errorf("the end took %v, want %v", took, want)
				}
				if len(q.settled) != test.settled || len(w.ended) != 4 {
					t.Errorf("%d batches settled, %d cycles ended; want %d and 4", len(q.settled), len(w.ended), test.settled)
				}
			})
		})
	}
}
