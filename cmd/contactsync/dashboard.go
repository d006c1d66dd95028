package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/hubspot"
	"github.com/scrapersky/contactsync/internal/queue/admin"
	"github.com/scrapersky/contactsync/internal/web/dashboard"
)

// dashboardConns is how many connections all who look share. They are open only
// while somebody does, and are not those of the health checks or the sync.
const dashboardConns = 3

// newDashboard makes the pages for people, which live until ctx ends.
func (w *worker) newDashboard(ctx context.Context, pool *pgxpool.Pool) (*dashboard.Dashboard, error) {
	names := propertyNames(w.cfg.HubSpot)
	options := dashboard.Options{
		Desk: admin.New(pool).Via(admin.Dashboard), Destination: destination,
		Password: w.cfg.HTTP.DashboardPassword.Reveal(), ReadOnly: w.cfg.HTTP.DashboardReadOnly, HideEmails: w.cfg.Log.RedactEmails,
		Draft: func(c contact.Contact) ([]hubspot.Field, contact.Outcome) {
			return names.Draft(c, time.Now())
		},
		Instance: w.instance, Version: shortVersion(), Disabled: w.cfg.HubSpot.APIKey.IsZero(), Log: w.log,
	}
	if !options.Disabled {
		client, err := lookingClient(w.cfg, slog.New(slog.DiscardHandler), unguarded)
		if err != nil {
			return nil, err
		}
		options.Account = client.Account
	}
	return dashboard.New(ctx, options)
}
