package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// credentials hold the token that requests carry. It may be changed while the client
// works; those before it stay known, because answers may still repeat them.
type credentials struct {
	read func() (string, error) // returns the token as it is now; nil: it never changes

	mu      sync.Mutex
	all     []string // the last one is in force
	reading sync.Mutex
}

func (k *credentials) token() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.all[len(k.all)-1]
}

// checkToken returns why a text cannot be a token.
func checkToken(token string) error {
	switch {
	case token == "":
		return errors.New("is missing")
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return errors.New("holds blanks or characters beyond ASCII")
	}
	return nil
}

// hide takes every token out of a text.
func (k *credentials) hide(text string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, token := range k.all {
		text = strings.ReplaceAll(text, token, "REDACTED")
	}
	return text
}

// refresh takes up a token that has changed.
func (k *credentials) refresh() (changed bool, err error) {
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

// Refresh reads the token again, where Options.Reread says how, and uses it from
// the next request on. It reports whether it is another one than before. The
// error never has a token in it as long as that of Reread has none.
func (c *Client) Refresh(ctx context.Context) (changed bool, err error) {
	changed, err = c.credentials.refresh()
	if changed {
		c.log.InfoContext(ctx, "API key changed: the new one is used from now on")
		c.mu.Lock()
		c.verified, c.account = "", nil // it may be another account's
		c.mu.Unlock()
		_, _ = c.Account(ctx, new(Usage)) // only what is remembered of the account needs it
	}
	return changed, err
}

// replaced reports, after a token was refused, whether there is another one by now.
func (c *Client) replaced(ctx context.Context, refused string) bool {
	_, _ = c.Refresh(ctx) // its error is reported by whoever calls it in turn
	return c.credentials.token() != refused
}
