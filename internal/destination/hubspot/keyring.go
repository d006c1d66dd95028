package hubspot

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// keyring is the token that requests carry. It may be changed while the client
// works; those before it stay known, because answers may still repeat them.
type keyring struct {
	read func() (string, error) // tells the token as it is now; nil: it never changes

	mu      sync.Mutex
	all     []string // the last one is in force
	reading sync.Mutex
}

func (k *keyring) token() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.all[len(k.all)-1]
}

// hide takes every token out of a text.
func (k *keyring) hide(text string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, token := range k.all {
		text = strings.ReplaceAll(text, token, "REDACTED")
	}
	return text
}

// refresh takes up a token that has changed.
func (k *keyring) refresh() (changed bool, err error) {
	if k.read == nil {
		return false, nil
	}
	k.reading.Lock() // an older reading must not come after a newer one
	defer k.reading.Unlock()
	token, err := k.read()
	if err == nil {
		err = checkToken(token)
	}
	if err != nil {
		return false, fmt.Errorf("HubSpot's key: %w", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if token == k.all[len(k.all)-1] {
		return false, nil
	}
	k.all = append(slices.DeleteFunc(k.all, func(t string) bool { return t == token }), token)
	return true, nil
}

// Refresh asks for the token anew, where Options.Reread says how, and uses it from
// the next request on. It answers whether it is another one than before. The
// error never has a token in it as long as that of Reread has none.
func (c *Client) Refresh(ctx context.Context) (changed bool, err error) {
	changed, err = c.keys.refresh()
	if changed {
		c.log.InfoContext(ctx, "HubSpot's key has changed: the new one is used from now on")
		c.mu.Lock()
		c.verified, c.account = "", nil // it may be another account's
		c.mu.Unlock()
		_, _ = c.fetchAccount(ctx, new(tally)) // only what is remembered of the account needs it
	}
	return changed, err
}

// replaced says, after a token was refused, whether there is another one by now.
func (c *Client) replaced(ctx context.Context, refused string) bool {
	_, _ = c.Refresh(ctx) // what is in the way is told by whoever asks in turn
	return c.keys.token() != refused
}
