package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/doctor"
	"github.com/scrapersky/contactsync/internal/hubspot"
	"github.com/scrapersky/contactsync/internal/ops"
	"github.com/scrapersky/contactsync/internal/web/dashboard"
)

// dashboardConns is how many connections all who look share. They are open only
// while somebody does, and are not those of the health checks or the sync.
const dashboardConns = 3

// newDashboard makes the pages for people, which live until ctx ends.
func (w *worker) newDashboard(ctx context.Context, pool *pgxpool.Pool) (*dashboard.Dashboard, error) {
	store := ops.New(pool, target()).Via(ops.Dashboard)
	options := dashboard.Options{
		Store:    store,
		Password: w.cfg.HTTP.DashboardPassword.Reveal(), ReadOnly: w.cfg.HTTP.DashboardReadOnly, HideEmails: w.cfg.Log.RedactEmails,
		SkipsUnchanged: w.cfg.HubSpot.SkipUnchanged,
		Draft: func(ctx context.Context, c contact.Contact) ([]hubspot.Field, contact.Outcome, error) {
			return w.draft(ctx, store, c)
		},
		Checks: func(ctx context.Context) ([]doctor.Check, error) {
			return allChecks(ctx, w.cfg, pool, slog.New(slog.DiscardHandler))
		},
		Instance: w.instance, Version: shortVersion(), Disabled: w.cfg.HubSpot.APIKey.IsZero(), Log: w.log,
	}
	if !options.Disabled {
		client, err := lookingClient(w.cfg, nil, slog.New(slog.DiscardHandler), unguarded)
		if err != nil {
			return nil, err
		}
		options.Account = client.Account
	}
	return dashboard.New(ctx, options)
}

// draft tells what would be sent of a contact, with its further columns.
func (w *worker) draft(ctx context.Context, store *ops.Store, c contact.Contact) ([]hubspot.Field, contact.Outcome, error) {
	if mapped := w.cfg.HubSpot.Properties.Map.Columns(); len(mapped) > 0 {
		further, err := store.Extra(ctx, mapped)
		if err != nil {
			return nil, contact.Outcome{}, err
		}
		read, err := store.Read(ctx, further, []string{c.ID})
		if err != nil {
			return nil, contact.Outcome{}, err
		}
		if len(read) > 0 { // else it was deleted this very moment
			c = read[0]
		}
	}
	fields, refused := propertyNames(w.cfg.HubSpot, nil).Draft(c, time.Now())
	return fields, refused, nil
}
