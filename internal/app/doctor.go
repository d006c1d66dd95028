package app

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/scrapersky/contactsync/internal/config"
	"github.com/scrapersky/contactsync/internal/doctor"
	"github.com/scrapersky/contactsync/internal/hubspot"
	"github.com/scrapersky/contactsync/internal/queue/columns"
)

// Checks is every check there is.
func Checks(ctx context.Context, cfg config.Config, pool *pgxpool.Pool, log *slog.Logger) ([]doctor.Check, error) {
	mapped := cfg.HubSpot.Properties.Map.Columns()
	checks := doctor.Database{
		Pool: pool, URL: cfg.Database.URL.Reveal(), DirectURL: cfg.Database.DirectURL.Reveal(), Name: InstanceName(),
		Destination: Destination, Remedy: Remedy, Further: mapped,
	}.Checks()
	account, err := accountChecks(cfg, kinds(ctx, pool, mapped), log)
	return append(checks, account...), err
}

// kinds looks up what the further columns hold. A check of its own tells why that
// is not known.
func kinds(ctx context.Context, pool *pgxpool.Pool, mapped []string) columns.List {
	if len(mapped) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	list, _ := columns.Find(ctx, pool, mapped)
	return list
}

func accountChecks(cfg config.Config, further columns.List, log *slog.Logger) ([]doctor.Check, error) {
	if cfg.HubSpot.APIKey.IsZero() {
		return doctor.WithoutKey(), nil
	}
	var gauge *hubspot.Gauge
	client, err := LookingClient(cfg, further, log, func(base http.RoundTripper) http.RoundTripper {
		gauge = hubspot.NewGauge(base)
		return gauge
	})
	if err != nil {
		return nil, err
	}
	return doctor.HubSpot{Client: client, Gauge: gauge, PortalID: cfg.HubSpot.PortalID, Rate: cfg.HubSpot.RatePer10s}.Checks(), nil
}

// LookingClient makes a client for a command that looks at the account while
// replicas work: it takes a share of the rate limit as if it were one of them.
func LookingClient(cfg config.Config, further columns.List, log *slog.Logger, guard func(http.RoundTripper) http.RoundTripper) (*hubspot.Client, error) {
	shares := min(cfg.Sync.MaxInstances+1, cfg.HubSpot.RatePer10s)
	return NewHubSpotClient(cfg.HubSpot, further, shares, log, guard)
}
