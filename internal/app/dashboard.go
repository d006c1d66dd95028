package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/doctor"
	"github.com/scrapersky/contactsync/internal/ops"
	"github.com/scrapersky/contactsync/internal/web/dashboard"
)

// dashboardConns is how many connections all viewers share. They are open only
// while somebody looks, and are not those of the health checks or the sync.
const dashboardConns = 3

// newDashboard makes the pages for people, which live until ctx ends.
func (a *App) newDashboard(ctx context.Context, pool *pgxpool.Pool) (*dashboard.Dashboard, error) {
	store := newStore(pool, a.schema, hubspot.Info).Via(ops.Dashboard)
	options := dashboard.Options{
		Store:    store,
		Password: a.cfg.HTTP.DashboardPassword.Reveal(), ReadOnly: a.cfg.HTTP.DashboardReadOnly, HideEmails: a.cfg.Log.RedactEmails,
		Advice: hubspot.Advice, SkipsUnchanged: a.cfg.HubSpot.SkipUnchanged,
		Draft: func(ctx context.Context, c contact.Contact) ([]destination.Field, contact.Outcome, error) {
			return a.draft(ctx, store, c)
		},
		Checks: func(ctx context.Context) ([]doctor.Check, error) {
			return Checks(ctx, a.cfg, pool, slog.New(slog.DiscardHandler))
		},
		Instance: a.instance, Version: a.version, Disabled: a.disabled(), Log: a.log,
	}
	if !a.cfg.HubSpot.APIKey.IsZero() {
		client, err := readOnlyClient(a.cfg, nil, slog.New(slog.DiscardHandler), noGuard)
		if err != nil {
			return nil, err
		}
		options.Account = client.Account
	}
	return dashboard.New(ctx, options)
}

// draft returns what would be sent of a contact, with its mapped columns.
func (a *App) draft(ctx context.Context, store *ops.Store, c contact.Contact) ([]destination.Field, contact.Outcome, error) {
	if mapped := a.cfg.HubSpot.Properties.Map.Columns(); len(mapped) > 0 {
		extra, err := store.Extra(ctx, mapped)
		if err != nil {
			return nil, contact.Outcome{}, err
		}
		read, err := store.Read(ctx, extra, []string{c.ID})
		if err != nil {
			return nil, contact.Outcome{}, err
		}
		if len(read) > 0 { // else it was deleted this very moment
			c = read[0]
		}
	}
	fields, refused := propertyNames(a.cfg.HubSpot, nil).Draft(c, time.Now())
	return fields, refused, nil
}
