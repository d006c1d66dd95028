package drain

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

// flight is a batch whose requests are under way. All that concerns the database
// and the account stays with the loop; a flight only sends.
type flight struct {
	contact.Batch

	ctx     context.Context // of the cycle, for whoever observes it
	claimed time.Time       // when its claim was begun
	began   time.Time       // when it was sent off

	groups []contact.Group
	keys   map[string]bool // of the groups that have one
	report contact.Report  // one outcome a group; there is one as soon as over is closed
	over   chan struct{}
}

// underWay is everything that a run has sent off. Its zero value cannot be used.
type underWay struct {
	flights   []*flight    // sent off and not settled yet
	answered  chan *flight // has room for all there can be
	unsettled []*flight    // taken from answered, and next to be settled

	sending sync.WaitGroup
	cut     context.Context // ends when what is under way is to be broken off
	cutAll  context.CancelFunc

	mu    sync.Mutex
	alive []int64 // the cycles that are to be touched
}

func newUnderWay() *underWay {
	u := &underWay{answered: make(chan *flight, mostBatches)}
	u.cut, u.cutAll = context.WithCancel(context.Background())
	return u
}

// How many batches may be under way: as many as hold mostContacts, but two at least,
// so that one is sent while another is answered (of 1000 contacts each, the largest),
// and eight at most. Eight requests that take 400 ms each are 200 in 10 s, enough for
// an account that allows 190. No more, because all of it is in doubt when this process
// dies, and grows old while it waits its turn. internal/hubspot has connections for
// as many (mostRequests).
const (
	mostContacts  = 800
	fewestBatches = 2
	mostBatches   = 8
)

func (r *run) room() int {
	return min(max(fewestBatches, mostContacts/r.BatchSize), mostBatches)
}

// gatherFor is how long contacts that come one by one are gathered while others are
// under way. Each of them would have a request of its own otherwise, and ten
// contacts a second would use up a limit of 100 requests in 10 s, and the day's.
const gatherFor = 250 * time.Millisecond

// gathering is for how long the next batch is gathered still; zero when it is not.
// An empty queue and a full batch leave nothing to wait for.
func (r *run) gathering() time.Duration {
	if len(r.flights) == 0 || r.full {
		return 0
	}
	return max(0, gatherFor-time.Since(r.worked))
}

// mustAwait says that nothing more is to be claimed before an answer is there, or
// some time is over: as many batches are under way as may be. That is one while it is
// not known that the account takes what is sent, and the database what was answered.
func (r *run) mustAwait() bool {
	switch {
	case len(r.flights) == 0:
		return false
	case r.paused != nil || r.unproven || !r.trusted || r.lasts(0):
		return true
	}
	return len(r.flights) >= r.room() || r.gathering() > 0
}

// await waits for an answer, but not beyond what else there is to do.
func (r *run) await(ctx context.Context, stop <-chan struct{}) {
	wait := min(r.untilPending(), time.Until(r.tickAt))
	if gathering := r.gathering(); gathering > 0 {
		wait = min(wait, gathering)
	}
	r.receive(ctx, stop, wait)
}

// receive waits for an answer, at most d.
func (r *run) receive(ctx context.Context, stop <-chan struct{}, d time.Duration) {
	if len(r.unsettled) > 0 {
		return
	}
	timer := time.NewTimer(max(0, d))
	defer timer.Stop()
	select {
	case f := <-r.answered:
		r.unsettled = append(r.unsettled, f)
	case <-timer.C:
	case <-stop:
	case <-ctx.Done():
	}
}

// settleAnswered settles what was answered since.
func (r *run) settleAnswered() error {
	for {
		select {
		case f := <-r.answered:
			r.unsettled = append(r.unsettled, f)
			continue
		default:
		}
		if len(r.unsettled) == 0 {
			return nil
		}
		f := r.unsettled[0]
		r.unsettled = r.unsettled[1:]
		if err := r.end(f); err != nil {
			return err
		}
	}
}

// settleUnderWay waits for everything that is under way and settles it.
func (r *run) settleUnderWay(ctx context.Context) error {
	var failed error
	for len(r.flights) > 0 && ctx.Err() == nil {
		r.receive(ctx, nil, math.MaxInt64)
		if err := r.settleAnswered(); err != nil {
			failed = err
		}
	}
	return failed
}
