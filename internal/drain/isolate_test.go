package drain

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

// person is a row of a crowd.
type person struct {
	contact.Contact
	bad      bool // the destination fails at it
	queued   time.Time
	next     time.Time // zero: fresh
	attempts int
	ended    string // empty: Queued
	at       time.Time
	claimed  bool
}

// crowd is a queue that keeps its rows as the real one does: attempts, due times, ends.
type crowd struct {
	fakeQueue
	mu         sync.Mutex
	people     []*person
	wake       chan struct{}
	maxRetries int
	delay      time.Duration
}

func (c *crowd) queue(n int, bad bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for range n {
		id := fmt.Sprint(len(c.people))
		c.people = append(c.people, &person{Contact: contact.Contact{ID: id, Email: id + "@example.org"}, bad: bad, queued: time.Now()})
	}
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *crowd) Claim(_ context.Context, share contact.Share) (contact.Batch, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var retries, fresh []*person
	for _, p := range c.people {
		switch {
		case p.ended != "" || p.claimed:
		case p.next.IsZero():
			fresh = append(fresh, p)
		case !p.next.After(time.Now()):
			retries = append(retries, p)
		}
	}
	slices.SortStableFunc(retries, func(a, b *person) int { return a.next.Compare(b.next) })
	taken := slices.Clone(retries[:min(len(retries), share.Retries, share.Most)])
	newest := min(len(fresh), share.Newest)
	taken = append(taken, fresh[len(fresh)-newest:]...)
	fresh = fresh[:len(fresh)-newest]
	taken = append(taken, fresh[:min(len(fresh), share.Most-len(taken))]...)
	c.cycle++
	b := contact.Batch{Cycle: c.cycle}
	for _, p := range taken {
		p.claimed = true
		b.Contacts = append(b.Contacts, p.Contact)
	}
	return b, nil
}

func (c *crowd) Settle(_ context.Context, a contact.Answered) (done []contact.Settled, rest contact.Answered, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, o := range a.Outcomes {
		p := c.people[slices.IndexFunc(c.people, func(p *person) bool { return p.ID == a.Contacts[i].ID })]
		p.claimed = false
		switch {
		case o.Verdict == contact.Synced:
			p.ended, p.at = "Complete", time.Now()
		case o.Verdict == contact.Retry && p.attempts >= c.maxRetries && !o.Forgiving:
			p.attempts++
			p.ended, p.at = "Error", time.Now()
		case o.Verdict == contact.Retry:
			p.next = time.Now().Add(c.delay << p.attempts)
			p.attempts++
		case o.PutOff > 0:
			p.next = time.Now().Add(o.PutOff)
		}
		done = append(done, contact.Settled{ID: p.ID, Final: contact.Final(o.Verdict)})
	}
	return done, rest, nil
}

func (c *crowd) ArmDoorbell(context.Context) (contact.QueueState, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	state := contact.QueueState{Armed: true, Next: 24 * time.Hour}
	for _, p := range c.people {
		if p.ended == "" && !p.claimed {
			state.Next = min(state.Next, max(0, time.Until(p.next)))
		}
	}
	state.Due = state.Next == 0
	return state, nil
}

// tell counts the rows of one kind by how they stand, and how many attempts they spent
// at most.
func (c *crowd) tell(bad bool) (queued, complete, failed, attempts int, last time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.people {
		if p.bad != bad {
			continue
		}
		attempts = max(attempts, p.attempts)
		switch p.ended {
		case "Complete":
			complete++
		case "Error":
			failed++
		default:
			queued++
		}
		if p.at.After(last) {
			last = p.at
		}
	}
	return queued, complete, failed, attempts, last
}

// outageKind is what is wrong with the destination itself.
type outageKind int

const (
	none   outageKind = iota
	writes            // the account's own read goes through
	total
)

// isolating is a destination that tries what fails in parts, as a real one does.
type isolating struct {
	mu       sync.Mutex
	crowd    *crowd
	outage   outageKind
	requests int
}

func (d *isolating) set(outage outageKind) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.outage = outage
}

func (d *isolating) Probe(context.Context) error { return nil }

func (d *isolating) Upsert(_ context.Context, batch []contact.Contact) contact.Report {
	time.Sleep(100 * time.Millisecond)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.requests++
	failed := contact.Outcome{Verdict: contact.Retry, Code: contact.CodeServerError, Message: "500"}
	r := all(batch, failed)
	if d.outage == total {
		r.Outage = true
		return r
	}
	good := 0
	for i, c := range batch {
		d.crowd.mu.Lock()
		bad := slices.ContainsFunc(d.crowd.people, func(p *person) bool { return p.ID == c.ID && p.bad })
		d.crowd.mu.Unlock()
		if !bad && d.outage == none {
			r.Outcomes[i] = contact.Outcome{Verdict: contact.Synced, RemoteID: "1"}
			good++
		}
	}
	tried := map[int]bool{0: true, len(batch) / 2: true, len(batch) - 1: true}
	if good == 0 || good < len(batch) && !slices.ContainsFunc(batch, func(c contact.Contact) bool { return c.FailedAlone }) && !d.finds(r, tried) {
		r.Outage, r.Reachable = true, true
		for i, c := range batch {
			r.Outcomes[i] = failed
			if !tried[i] && !c.FailedAlone {
				r.Outcomes[i].Verdict = contact.Unspent
			}
		}
	}
	for i := range r.Outcomes {
		r.Outcomes[i].Alone = !r.Outage && r.Outcomes[i].Verdict == contact.Retry
	}
	return r
}

// finds reports whether one of three contacts goes through alone.
func (d *isolating) finds(r contact.Report, tried map[int]bool) bool {
	for i := range tried {
		if r.Outcomes[i].Verdict == contact.Synced {
			return true
		}
	}
	return false
}

// startCrowd runs the loop on a crowd.
func startCrowd(t *testing.T, c *crowd, d *isolating, batch int) (stop func()) {
	t.Helper()
	l := &Loop{
		Label: "Acme", Queue: c, Destination: d, Listener: listener(true), Wake: c.wake, Log: quiet(),
		BatchSize: batch, Slots: 1, Interval: time.Minute, CutAfter: 22 * time.Second,
	}
	stopping, end := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- l.Run(t.Context(), stopping) }()
	return func() {
		end()
		if err := <-result; err != nil {
			t.Error(err)
		}
	}
}

// Contacts at which the destination fails stand before good ones. The good ones are
// synced within one pause, the others end in Error, at no innocent's cost.
func TestBadRowsHoldNobodyUp(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		bad, good, batch int
		within           time.Duration
	}{
		{2, 30, 10, firstOutage}, {60, 32, 10, firstOutage}, {600, 100, 100, firstOutage}, {2, 30, 1, time.Minute}, {1, 1, 1, time.Minute},
	} {
		t.Run(fmt.Sprintf("%d bad, %d good, batches of %d", test.bad, test.good, test.batch), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := &crowd{maxRetries: 3, delay: 5 * time.Minute, wake: make(chan struct{}, 1)}
				d := &isolating{crowd: c}
				c.queue(test.bad, true)
				stop := startCrowd(t, c, d, test.batch)
				time.Sleep(time.Second)
				began := time.Now()
				c.queue(test.good, false)
				time.Sleep(10 * time.Minute)
				queued, complete, _, attempts, last := c.tell(false)
				took := last.Sub(began)
				for range 360 { // as apps go on to write
					c.queue(1, false)
					time.Sleep(time.Minute)
				}
				synctest.Wait()
				stop()
				if complete != test.good || attempts > 0 {
					t.Errorf("%d good ones are synced, %d are queued, one spent %d attempts", complete, queued, attempts)
				}
				if most := test.within + 15*time.Second; took > most { // and the requests of the rest
					t.Errorf("the last good one was synced after %v, want %v", took, most)
				}
				queued, _, failed, _, last := c.tell(true)
				if failed != test.bad {
					t.Errorf("%d of %d bad ones are in Error, %d are queued", failed, test.bad, queued)
				}
				t.Logf("all %d good within %v, all bad in Error after %v, %d batches", test.good, took, last.Sub(began).Round(time.Second), d.requests)
			})
		})
	}
}

// A bad contact that has no others beside it ends in Error as well; of many, three do,
// because that might be an outage of writes.
func TestBadRowsAlone(t *testing.T) {
	t.Parallel()
	for bad, want := range map[int]int{1: 1, 2: 2, 3: 3, 40: 3} {
		synctest.Test(t, func(t *testing.T) {
			c := &crowd{maxRetries: 3, delay: 5 * time.Minute, wake: make(chan struct{}, 1)}
			d := &isolating{crowd: c}
			c.queue(bad, true)
			stop := startCrowd(t, c, d, 10)
			time.Sleep(6 * time.Hour)
			_, _, failed, _, _ := c.tell(true)
			if failed != want {
				t.Errorf("%d of %d bad ones are in Error after six hours, want %d", failed, bad, want)
			}
			c.queue(1, false)
			began := time.Now()
			time.Sleep(2 * time.Hour)
			stop()
			if _, complete, _, _, last := c.tell(false); complete != 1 || last.Sub(began) > maxOutage+time.Minute {
				t.Errorf("a good one: %d synced, after %v", complete, last.Sub(began))
			}
			if _, _, failed, _, _ := c.tell(true); failed != bad {
				t.Errorf("%d of %d bad ones are in Error two hours after another one went through", failed, bad)
			}
		})
	}
}

// Whatever outage there is, whether the account's read shows it or not: three batches
// spend an attempt, three contacts more if it is long, and the rest nothing.
func TestOutageCostsNoBudget(t *testing.T) {
	t.Parallel()
	for _, kind := range []outageKind{writes, total} {
		for _, batch := range []int{1, 10, 100} {
			synctest.Test(t, func(t *testing.T) {
				c := &crowd{maxRetries: 3, delay: 5 * time.Minute, wake: make(chan struct{}, 1)}
				d := &isolating{crowd: c}
				d.set(kind)
				c.queue(1000, false)
				stop := startCrowd(t, c, d, batch)
				time.Sleep(3 * time.Hour)
				c.mu.Lock()
				spent := map[int]int{}
				for _, p := range c.people {
					spent[p.attempts]++
				}
				c.mu.Unlock()
				if n := 1000 - spent[0]; n > outagesToStop*batch+mostGuessed {
					t.Errorf("kind %d, batches of %d: %d contacts spent attempts: %v", kind, batch, n, spent)
				}
				more := 0
				for attempts, n := range spent {
					if attempts > 1 {
						more += n
					}
				}
				if more > mostGuessed {
					t.Errorf("kind %d, batches of %d: %d contacts spent more than one: %v", kind, batch, more, spent)
				}
				d.set(none)
				began := time.Now()
				time.Sleep(time.Hour)
				stop()
				if queued, complete, failed, _, last := c.tell(false); queued > 0 || failed > mostGuessed || batch > 1 && last.Sub(began) > 5*time.Minute {
					t.Errorf("kind %d, batches of %d: %d complete, %d in Error, %d queued, the last after %v", kind, batch, complete, failed, queued, last.Sub(began))
				}
				t.Logf("kind %d, batches of %d: attempts spent %v", kind, batch, spent)
			})
		}
	}
}

// Bad and good contacts come at random, with outages between.
func TestAnyCrowd(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	for round := range 20 {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, uint64(round))) //nolint:gosec // a test
			c := &crowd{maxRetries: 3, delay: 5 * time.Minute, wake: make(chan struct{}, 1)}
			d := &isolating{crowd: c}
			stop := startCrowd(t, c, d, []int{1, 3, 10, 100}[r.IntN(4)])
			for range 40 {
				c.queue(r.IntN(30), r.IntN(3) == 0)
				time.Sleep(time.Duration(r.IntN(60)) * time.Second)
				d.set(outageKind(max(0, r.IntN(8)-5)))
			}
			d.set(none)
			for range 360 { // as apps go on to write
				c.queue(1, false)
				time.Sleep(time.Minute)
			}
			stop()
			if queued, complete, failed, _, _ := c.tell(false); queued > 0 || failed > 0 {
				t.Errorf("seed %d, round %d: good ones: %d synced, %d in Error, %d queued", seed, round, complete, failed, queued)
			}
			if queued, _, failed, _, _ := c.tell(true); queued > 0 {
				t.Errorf("seed %d, round %d: bad ones: %d in Error, %d queued", seed, round, failed, queued)
			}
		})
	}
}
