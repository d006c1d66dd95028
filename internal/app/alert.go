package app

import (
	"context"
	"sync"

	"github.com/scrapersky/contactsync/internal/alert"
	"github.com/scrapersky/contactsync/internal/database"
	"github.com/scrapersky/contactsync/internal/ops"
	"github.com/scrapersky/contactsync/internal/redact"
)

// alert posts to the webhook, if there is one, until ctx ends. It is for the whole
// process, and not a part of leading, so that no slot waits for a post.
func (a *App) alert(ctx context.Context) error {
	if a.cfg.Alert.WebhookURL.IsZero() || a.disabled() {
		return nil
	}
	pool, err := database.NewPool(ctx, a.cfg.Database.URL.Reveal(), a.instance, int32(len(a.workers)))
	if err != nil {
		return err
	}
	defer pool.Close()
	limits := ops.AlertLimits{BacklogAge: a.cfg.Alert.BacklogAge, FailuresPerHour: a.cfg.Alert.FailuresPerHour}
	var telling sync.WaitGroup
	for _, w := range a.workers {
		t := &alert.Notifier{
			Store: newStore(pool, a.schema, w.info), Label: w.info.Label,
			URL: a.cfg.Alert.WebhookURL.Reveal(), Limits: limits,
			Leads: func() bool { return w.session.Load() != nil }, Redact: a.redacted, Log: w.log,
		}
		telling.Go(func() { t.Run(ctx) })
	}
	telling.Wait()
	return nil
}

// redacted hides the emails in a text where they are to be hidden.
func (a *App) redacted(text string) string {
	if a.cfg.Log.RedactEmails {
		return redact.Text(text)
	}
	return text
}
