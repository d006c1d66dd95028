package dashboard

import (
	"context"
	"sync"
	"time"

	"github.com/scrapersky/contactsync/internal/hubspot"
)

// links leads to the destination's own pages, once it is known whose the key is.
type links struct {
	ask  func(ctx context.Context) (hubspot.Account, error) // nil: nobody can be asked
	life context.Context                                    // of the dashboard

	mu      sync.Mutex
	account *hubspot.Account
	tried   time.Time
}

const (
	linkPatience = 2 * time.Second
	linkAgain    = time.Minute
)

// contact is where the destination shows a contact; empty where that is not known. The
// account is asked for once, and after a failure not again for a while: a page does
// not wait for it.
func (l *links) contact(remoteID string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if remoteID == "" || l.ask == nil {
		return ""
	}
	if l.account == nil && time.Since(l.tried) > linkAgain {
		ctx, cancel := context.WithTimeout(l.life, linkPatience)
		defer cancel()
		if account, err := l.ask(ctx); err == nil {
			l.account = &account
		}
		l.tried = time.Now()
	}
	if l.account == nil {
		return ""
	}
	return l.account.ContactURL(remoteID)
}
