package queue

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/scrapersky/contactsync/internal/database"
)

// staleAfter is how old the last refresh of a claim may be when a request for
// it leaves. What is left of leaseSlack is for the way to the socket.
const staleAfter = leaseSlack - 2*time.Second

// ErrClaimsStale says that the claims of a cycle under way were not refreshed for
// so long that others may count them as dead soon.
var ErrClaimsStale = errors.New("the claims were not refreshed in time")

// ClaimsFresh returns nil while what is claimed may be sent: a request that leaves now
// is over before anybody takes the claims for dead. The lease alone does not say so,
// because it may have been renewed while the claims were not. Otherwise it returns an
// ErrClaimsStale. It may be called beside everything else.
func (q *Queue) ClaimsFresh() error { return q.age.fresh() }

// claimAge is when the database was asked for what it last confirmed of each cycle
// that is being sent: its claim or a touch. This process's clock is compared with
// itself alone and never enters a statement.
type claimAge struct {
	mu    sync.Mutex
	asked map[int64]time.Time // by cycle
}

// ask returns the moment at which the database is asked.
func (a *claimAge) ask() time.Time { return time.Now() }

// claimed notes a claim that the database confirmed, and when it was asked. The first
// of several claims of one cycle counts.
func (a *claimAge) claimed(cycle int64, asked time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.asked == nil {
		a.asked = map[int64]time.Time{}
	}
	if _, again := a.asked[cycle]; !again {
		a.asked[cycle] = asked
	}
}

// touched notes a touch of all of a cycle's claims, while it is being sent.
func (a *claimAge) touched(cycle int64, asked time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, sending := a.asked[cycle]; sending {
		a.asked[cycle] = asked
	}
}

// sent notes that nothing of a cycle is sent any more.
func (a *claimAge) sent(cycle int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.asked, cycle)
}

// fresh fails as soon as any of the cycles is too old: a request does not know which
// one it is of.
func (a *claimAge) fresh() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	for _, asked := range a.asked {
		if age := database.Elapsed(asked, now); age > staleAfter {
			return fmt.Errorf("%w: last %s ago", ErrClaimsStale, age.Round(10*time.Millisecond))
		}
	}
	return nil
}
