package queue

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/scrapersky/contactsync/internal/database"
)

// mostUntouched is how old the last refresh of a claim may be when a request for
// it leaves. What is left of leaseSlack is for the way to the socket.
const mostUntouched = leaseSlack - 2*time.Second

// ErrUntouched says that the claims of the cycle under way were not refreshed
// for so long that others may count them as dead soon.
var ErrUntouched = errors.New("the claims were not refreshed in time")

// Fresh is nil while what is claimed may be sent: a request that leaves now is
// over before anybody takes the claims for dead. The lease alone does not say
// so, because it may have been renewed while the claims were not. It may be
// called beside everything else.
func (q *Queue) Fresh() error { return q.alive.fresh() }

// pulse is when the database was asked for what it last confirmed of the cycle
// that is being sent: its claim or a touch. This process's clock is compared with
// itself alone and never enters a statement.
type pulse struct{ asked atomic.Pointer[time.Time] } // nil while nothing is sent

// ask is the moment at which the database is asked.
func (p *pulse) ask() time.Time { return time.Now() }

// claimed notes a claim that the database confirmed, and when it was asked. Of
// several claims of one cycle the first counts.
func (p *pulse) claimed(asked time.Time) { p.asked.CompareAndSwap(nil, &asked) }

// touched notes a touch of all of the cycle's claims.
func (p *pulse) touched(asked time.Time) { p.asked.Store(&asked) }

// rest notes that nothing is sent any more.
func (p *pulse) rest() { p.asked.Store(nil) }

func (p *pulse) fresh() error {
	asked := p.asked.Load()
	if asked == nil {
		return nil
	}
	if age := database.Elapsed(*asked, time.Now()); age > mostUntouched {
		return fmt.Errorf("%w: last %s ago", ErrUntouched, age.Round(10*time.Millisecond))
	}
	return nil
}
