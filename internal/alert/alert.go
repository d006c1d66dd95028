// Package alert posts to a webhook when something goes wrong, and when it is over:
// once for each change of state, never once for each contact. The database records
// what was posted, so that only one of several replicas posts, and the next leader
// does not repeat it. It never keeps the work waiting: it reads on a connection of
// its own, and posts with a deadline.
//
// It cannot report that nobody leads, or that nothing runs: there is no process to
// report it then. Whoever scrapes the metrics has to notice that.
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
	pollEvery   = 10 * time.Second
	pollTimeout = 3 * time.Second
	postTimeout = 3 * time.Second
	// lease is how long a change belongs to the process that took it. One that could
	// not be posted is taken again after that, by whoever leads then.
	lease = 30 * time.Second
)

// Store records the changes: see ops.Store.
type Store interface {
	TakeAlerts(ctx context.Context, limits ops.AlertLimits, lease time.Duration) ([]ops.Alert, error)
	AlertTold(ctx context.Context, a ops.Alert) error
}

// Notifier posts to one webhook. All fields are needed.
type Notifier struct {
	Store  Store
	Label  string // of the destination, for people
	URL    string // a secret
	Limits ops.AlertLimits
	Leads  func() bool              // whether this process leads; only a leader posts
	Redact func(text string) string // hides what must not be shown
	Log    *slog.Logger
}

// Run posts until ctx ends. A post that is under way then is finished, or cut after
// 3 s, and recorded; the next leader posts the rest.
func (n *Notifier) Run(ctx context.Context) {
	client := &http.Client{
		Timeout:       postTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	var polling, posting trouble
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		if !n.Leads() {
			continue
		}
		changes, err := n.poll(ctx)
		if ctx.Err() != nil && err != nil {
			return
		}
		polling.note(ctx, n.Log, "cannot read alerts from the database", err)
		for _, change := range changes {
			if ctx.Err() != nil {
				return
			}
			posting.note(ctx, n.Log, "cannot post an alert to ALERT_WEBHOOK_URL, trying again", n.send(ctx, client, change))
		}
	}
}

func (n *Notifier) poll(ctx context.Context) ([]ops.Alert, error) {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	return n.Store.TakeAlerts(ctx, n.Limits, lease)
}

// send posts one change and records that. An orderly stop does not interrupt it, or
// it would be unknown whether the change was posted.
func (n *Notifier) send(ctx context.Context, client *http.Client, change ops.Alert) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), postTimeout+pollTimeout)
	defer cancel()
	if err := post(ctx, client, n.URL, sentence(change, n.Label, n.Limits, n.Redact)); err != nil {
		return err
	}
	return n.Store.AlertTold(ctx, change)
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
		return errors.New("invalid URL")
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
	defer func() { _ = res.Body.Close() }()                    // the body is not needed
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 4096)) // so that the connection can be used again
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("webhook responded with %s", res.Status)
	}
	return nil
}

// trouble logs when something begins to fail and when it works again, once each.
type trouble struct{ failing bool }

func (t *trouble) note(ctx context.Context, log *slog.Logger, what string, err error) {
	switch {
	case err != nil && !t.failing:
		t.failing = true
		log.WarnContext(ctx, "alerting failed", "what", what, "error", err)
	case err == nil && t.failing:
		t.failing = false
		log.InfoContext(ctx, "alerting works again", "what", what)
	}
}
