package app

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/scrapersky/contactsync/internal/config"
	hubspotinfo "github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/doctor"
	"github.com/scrapersky/contactsync/internal/hubspot"
	"github.com/scrapersky/contactsync/internal/queue/columns"
)

// Checks returns every check there is.
func Checks(ctx context.Context, cfg config.Config, pool *pgxpool.Pool, log *slog.Logger) ([]doctor.Check, error) {
	mapped := cfg.HubSpot.Properties.Map.Columns()
	checks := doctor.Database{
		Pool: pool, URL: cfg.Database.URL.Reveal(), DirectURL: cfg.Database.DirectURL.Reveal(), Name: InstanceName(),
		Destination: hubspotinfo.Info.Name, Remedy: Remedy, Further: mapped,
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
	list, _ := columns.Find(ctx, pool, mapped)
	return list
}

func accountChecks(cfg config.Config, extra columns.List, log *slog.Logger) ([]doctor.Check, error) {
	if cfg.HubSpot.APIKey.IsZero() {
		return doctor.WithoutKey(), nil
	}
	var gauge *hubspot.Gauge
	client, err := readOnlyClient(cfg, extra, log, func(base http.RoundTripper) http.RoundTripper {
		gauge = hubspot.NewGauge(base)
		return gauge
	})
	if err != nil {
		return nil, err
	}
	return doctor.HubSpot{Client: client, Gauge: gauge, PortalID: cfg.HubSpot.PortalID, Rate: cfg.HubSpot.RatePer10s}.Checks(), nil
}
