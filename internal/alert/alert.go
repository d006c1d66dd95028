// Package alert tells people through a webhook when something is wrong, and when it
// is over: once for each change of state, never once for each contact. What was told
// stands in the database, so that of several replicas one tells, and the next leader
// does not repeat it. It never keeps the work waiting: it looks on a connection of
// its own, and posts with a deadline.
//
// That nobody leads, or that nothing runs, it cannot tell, for then nobody is there
// to tell it: that is for whoever scrapes the metrics.
package alert

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/scrapersky/contactsync/internal/ops"
)

const (
	lookEvery   = 10 * time.Second
	lookTimeout = 3 * time.Second
	postTimeout = 3 * time.Second
	// mine is how long a change is this process's to tell; one that could not be
	// told is tried again after it, by whoever leads then.
	mine = 30 * time.Second
)

// Store is where changes are noted: see ops.Store.
type Store interface {
	TakeAlerts(ctx context.Context, limits ops.AlertLimits, mine time.Duration) ([]ops.Alert, error)
	AlertTold(ctx context.Context, a ops.Alert) error
}

// Teller tells one webhook. All fields are needed.
type Teller struct {
	Store  Store
	Label  string // of the destination, for people
	URL    string // a secret
	Limits ops.AlertLimits
	Leads  func() bool              // whether this process leads; only a leader tells
	Redact func(text string) string // hides what must not be shown
	Log    *slog.Logger
}

// Run tells until ctx ends. A post that is under way then is finished, or cut after
// 3 s, and noted; what else there was to tell is the next leader's.
func (t *Teller) Run(ctx context.Context) {
	client := &http.Client{
		Timeout:       postTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	var looking, posting trouble
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		if !t.Leads() {
			continue
		}
		changes, err := t.look(ctx)
		if ctx.Err() != nil && err != nil {
			return
		}
		looking.note(ctx, t.Log, "Alerts cannot be read from the database", err)
		for _, change := range changes {
			if ctx.Err() != nil {
				return
			}
			posting.note(ctx, t.Log, "An alert could not be posted to ALERT_WEBHOOK_URL; trying again", t.tell(ctx, client, change))
		}
	}
}

func (t *Teller) look(ctx context.Context) ([]ops.Alert, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	return t.Store.TakeAlerts(ctx, t.Limits, mine)
}

// tell posts one change and notes that. An orderly stop does not interrupt it, or
// nobody would know whether it was told.
func (t *Teller) tell(ctx context.Context, client *http.Client, change ops.Alert) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), postTimeout+lookTimeout)
	defer cancel()
	if err := post(ctx, client, t.URL, sentence(change, t.Label, t.Limits, t.Redact)); err != nil {
		return err
	}
	return t.Store.AlertTold(ctx, change)
}

// post sends a text in the form that Slack, Mattermost and many others take. Its
// errors do not hold the URL.
func post(ctx context.Context, client *http.Client, to, text string) error {
	body, err := json.Marshal(map[string]string{"text": text})
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return errors.New("the URL cannot be used")
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "contactsync")
	res, err := client.Do(request)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err
		}
		return err
	}
	defer func() { _ = res.Body.Close() }()                    // nothing is wanted of it
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 4096)) // so that the connection can be used again
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("it answers %s", res.Status)
	}
	return nil
}

// trouble logs its beginning and its end, once each.
type trouble struct{ told bool }

func (t *trouble) note(ctx context.Context, log *slog.Logger, what string, err error) {
	switch {
	case err != nil && !t.told:
		t.told = true
		log.WarnContext(ctx, "Alerting fails", "what", what, "error", err)
	case err == nil && t.told:
		t.told = false
		log.InfoContext(ctx, "Alerting works again", "what", what)
	}
}
