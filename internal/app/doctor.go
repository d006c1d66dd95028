package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/scrapersky/contactsync/internal/config"
	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/doctor"
	"github.com/scrapersky/contactsync/internal/queue/columns"
	"github.com/scrapersky/contactsync/internal/statement"
)

// Checks returns every check there is.
func Checks(ctx context.Context, cfg config.Config, pool *pgxpool.Pool, log *slog.Logger) ([]doctor.Check, error) {
	mapped := cfg.HubSpot.Properties.Map.Columns()
	checks := doctor.Database{
		Pool: pool, URL: cfg.Database.URL.Reveal(), DirectURL: cfg.Database.DirectURL.Reveal(), Name: InstanceName(),
		Target: contactsFor(hubspot.Info), Schema: SchemaOptions(cfg.Database.Contacts), Remedy: Remedy, Further: mapped,
	}.Checks()
	account, err := accountChecks(cfg, columnTypes(ctx, pool, mapped), log)
	return append(checks, account...), err
}

// columnTypes returns the types of the mapped columns. A check of its own reports
// why they are not known.
func columnTypes(ctx context.Context, pool *pgxpool.Pool, mapped []string) columns.List {
	if len(mapped) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	list, _ := columns.Find(ctx, pool, statement.Contacts(), mapped)
	return list
}

func accountChecks(cfg config.Config, extra columns.List, log *slog.Logger) ([]doctor.Check, error) {
	if cfg.HubSpot.APIKey.IsZero() {
		return hubspot.WithoutKey(), nil
	}
	client, err := readOnlyClient(cfg, extra, log, noGuard)
	if err != nil {
		return nil, err
	}
	return client.Checks(cfg.HubSpot.RatePer10s), nil
}
