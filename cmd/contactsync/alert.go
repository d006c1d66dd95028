package main

import (
	"context"

	"github.com/scrapersky/contactsync/internal/alert"
	"github.com/scrapersky/contactsync/internal/database"
	"github.com/scrapersky/contactsync/internal/ops"
	"github.com/scrapersky/contactsync/internal/redact"
)

// alert tells the webhook, if there is one, until ctx ends. It is for the whole
// process, and not a part of leading, so that no slot waits for a post.
func (w *worker) alert(ctx context.Context) error {
	if w.cfg.Alert.WebhookURL.IsZero() || w.cfg.HubSpot.APIKey.IsZero() {
		return nil
	}
	pool, err := database.NewPool(ctx, w.cfg.Database.URL.Reveal(), w.instance, 1)
	if err != nil {
		return err
	}
	defer pool.Close()
	limits := ops.AlertLimits{BacklogAge: w.cfg.Alert.BacklogAge, FailuresPerHour: w.cfg.Alert.FailuresPerHour}
	t := &alert.Teller{
		Store: ops.New(pool, target()), Label: target().Destination.Label, URL: w.cfg.Alert.WebhookURL.Reveal(), Limits: limits,
		Leads: func() bool { return w.session.Load() != nil }, Redact: w.shown, Log: w.log,
	}
	t.Run(ctx)
	return nil
}

// shown hides the emails in a text where they are to be hidden.
func (w *worker) shown(text string) string {
	if w.cfg.Log.RedactEmails {
		return redact.Text(text)
	}
	return text
}
