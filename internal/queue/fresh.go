package queue

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/scrapersky/contactsync/internal/database"
)

// mostUntouched is how old the last refresh of a claim may be when a request for
// it leaves. What is left of leaseSlack is for the way to the socket.
const mostUntouched = leaseSlack - 2*time.Second

// ErrUntouched says that the claims of a cycle under way were not refreshed for
// so long that others may count them as dead soon.
var ErrUntouched = errors.New("the claims were not refreshed in time")

// Fresh is nil while what is claimed may be sent: a request that leaves now is
// over before anybody takes the claims for dead. The lease alone does not say
// so, because it may have been renewed while the claims were not. It may be
// called beside everything else.
func (q *Queue) Fresh() error { return q.alive.fresh() }

// pulse is when the database was asked for what it last confirmed of each cycle
// that is being sent: its claim or a touch. This process's clock is compared with
// itself alone and never enters a statement.
type pulse struct {
	mu    sync.Mutex
	asked map[int64]time.Time // by cycle
}

// ask is the moment at which the database is asked.
func (p *pulse) ask() time.Time { return time.Now() }

// claimed notes a claim that the database confirmed, and when it was asked. Of
// several claims of one cycle the first counts.
func (p *pulse) claimed(cycle int64, asked time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.asked == nil {
		p.asked = map[int64]time.Time{}
	}
	if _, again := p.asked[cycle]; !again {
		p.asked[cycle] = asked
	}
}

// touched notes a touch of all of a cycle's claims, while it is being sent.
func (p *pulse) touched(cycle int64, asked time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, sent := p.asked[cycle]; sent {
		p.asked[cycle] = asked
	}
}

// rest notes that nothing of a cycle is sent any more.
func (p *pulse) rest(cycle int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.asked, cycle)
}

// fresh fails as soon as one of the cycles is too old, whichever: a request does not
// know which one it is of.
func (p *pulse) fresh() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for _, asked := range p.asked {
		if age := database.Elapsed(asked, now); age > mostUntouched {
			return fmt.Errorf("%w: last %s ago", ErrUntouched, age.Round(10*time.Millisecond))
		}
	}
	return nil
}
