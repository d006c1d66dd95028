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
	"github.com/scrapersky/contactsync/internal/schema"
)

// Checks returns every check there is.
func Checks(ctx context.Context, cfg config.Config, pool *pgxpool.Pool, log *slog.Logger) ([]doctor.Check, error) {
	mapped := cfg.HubSpot.Properties.Map.Columns()
	checks := doctor.Database{
		Pool: pool, URL: cfg.Database.URL.Reveal(), DirectURL: cfg.Database.DirectURL.Reveal(), Name: InstanceName(),
		Destination: hubspot.Info, Schema: SchemaOptions(cfg), Remedy: Remedy, Extra: mapped, ExtraIn: "HUBSPOT_PROPERTY_MAP",
	}.Checks()
	types := func(mapped []string) columns.List { return columnTypes(ctx, pool, SchemaOptions(cfg), mapped) }
	account, err := accountChecks(cfg, types(mapped), log)
	if err != nil || cfg.Brevo.APIKey.IsZero() {
		return append(checks, account...), err
	}
	client, err := newBrevoClient(connectOptions{
		cfg: cfg, extra: types(cfg.Brevo.Attributes.Map.Columns()), slots: cfg.Brevo.Sync.MaxInstances + 1, wrap: noGuard, log: log,
	})
	if err != nil {
		return nil, err
	}
	return append(append(checks, account...), client.Checks()...), nil
}

// columnTypes returns the types of the mapped columns. A check of its own reports
// why they are not known.
func columnTypes(ctx context.Context, pool *pgxpool.Pool, o schema.Options, mapped []string) columns.List {
	if len(mapped) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	table, err := schema.FindTable(ctx, pool, o)
	if err != nil {
		return nil
	}
	list, _ := columns.Find(ctx, pool, table, mapped)
	return list
}

func accountChecks(cfg config.Config, extra columns.List, log *slog.Logger) ([]doctor.Check, error) {
	if _, others := configured(destinations()[1:], cfg); cfg.HubSpot.APIKey.IsZero() && others {
		return nil, nil
	}
	if cfg.HubSpot.APIKey.IsZero() {
		return hubspot.WithoutKey(), nil
	}
	client, err := readOnlyClient(cfg, extra, log, noGuard)
	if err != nil {
		return nil, err
	}
	return client.Checks(cfg.HubSpot.RatePer10s), nil
}
