package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/scrapersky/contactsync/internal/config"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/destination/hubspot/api"
	"github.com/scrapersky/contactsync/internal/queue/columns"
)

// hubSpot is HubSpot as the program builds and runs it.
func hubSpot() adapter {
	return adapter{
		info: hubspot.Info,
		settings: func(cfg config.Config) settings {
			return settings{
				configured: !cfg.HubSpot.APIKey.IsZero(), sync: cfg.HubSpot.Sync, columns: cfg.HubSpot.Properties.Map.Columns(), mapping: PropertyMap,
				timeout: cfg.HubSpot.Timeout, doubt: cfg.HubSpot.Doubt, skipUnchanged: cfg.HubSpot.SkipUnchanged, keyFile: cfg.HubSpot.APIKeyFile != "",
			}
		},
		connect: func(o connectOptions) (connection, error) {
			client, err := newHubSpotClient(o.cfg.HubSpot, o.extra, o.slots, o.log, o.wrap, o.accept)
			if err != nil {
				return connection{}, err
			}
			return connection{
				Destination: client, limits: client.Limits, fingerprint: client.Fingerprint, refresh: client.Refresh,
				checked: checkProperties(client, o.extra, o.log),
			}, nil
		},
		callName: api.CallName,
	}
}

// readOnlyClient makes a client for whoever looks at the account while replicas
// work: it takes a share of the rate limit as if it were one of them.
func readOnlyClient(cfg config.Config, extra columns.List, log *slog.Logger, guard func(http.RoundTripper) http.RoundTripper) (*hubspot.Client, error) {
	shares := min(cfg.HubSpot.Sync.MaxInstances+1, cfg.HubSpot.RatePer10s)
	return newHubSpotClient(cfg.HubSpot, extra, shares, log, guard, nil)
}

// noGuard is the guard of a client that may always ask.
func noGuard(base http.RoundTripper) http.RoundTripper { return base }

// newHubSpotClient makes the client as the settings say. Slots processes share the
// rate limit. Extra has the types of the mapped columns; it may be nil where nobody
// looks at the account's properties. Guard wraps the transport, so that no request
// leaves when none may; accept may be nil, where nothing is written.
func newHubSpotClient(cfg config.HubSpot, extra columns.List, slots int, log *slog.Logger, guard func(http.RoundTripper) http.RoundTripper,
	accept func(ctx context.Context, account string, aboutToWrite bool) (known bool, err error),
) (*hubspot.Client, error) {
	client := api.NewHTTPClient()
	client.Transport = guard(client.Transport)
	return hubspot.New(hubspot.Options{
		Options: api.Options{
			BaseURL: cfg.BaseURL, Version: cfg.Version, Token: cfg.APIKey.Reveal(), Reread: rereading(cfg.APIKeyFile), PortalID: cfg.PortalID,
			AllowHTTP: cfg.AllowHTTP, HTTP: client, Timeout: cfg.Timeout,
			RatePer10s: cfg.RatePer10s / slots, Slots: slots,
			Accept: accept, Log: log,
		},
		Properties: propertyNames(cfg, extra),
	})
}

// propertyNames returns the properties that contacts are written to.
func propertyNames(cfg config.HubSpot, extra columns.List) hubspot.PropertyNames {
	return hubspot.PropertyNames{
		DomainID: cfg.Properties.DomainID, PageID: cfg.Properties.PageID, SyncDate: cfg.Properties.SyncDate,
		Extra: extraProperties(cfg.Properties.Map, extra),
	}
}

// extraProperties returns the properties that get the mapped columns.
func extraProperties(mapped config.PropertyMap, extra columns.List) []hubspot.Extra {
	list := make([]hubspot.Extra, len(mapped.Pairs))
	for i, p := range mapped.Pairs {
		list[i] = hubspot.Extra{Name: p.Property, Clear: p.Clear}
		if len(extra) > 0 {
			list[i].Kind = extra[i].Kind
		}
	}
	return list
}

// Setup creates the properties in HubSpot that the settings name and that are
// missing, and reports each thing. With dryRun it changes nothing. Extra has the
// types of the mapped columns.
func Setup(ctx context.Context, cfg config.HubSpot, extra columns.List, log *slog.Logger, dryRun bool, report func(destination.Step)) error {
	client, err := newHubSpotClient(cfg, extra, 1, log, noGuard, nil)
	if err != nil {
		return err
	}
	return client.Setup(ctx, dryRun, report)
}

// PropertyMap is the variable that maps columns to HubSpot's properties.
const PropertyMap = "HUBSPOT_PROPERTY_MAP"

// PropertyMapError returns an error about mapped columns that cannot be sent as
// problems of HUBSPOT_PROPERTY_MAP, and any other error as it is.
func PropertyMapError(err error) error { return MappingError(PropertyMap, err) }

// MappingError returns an error about mapped columns that cannot be sent as problems of
// the setting that names them, and any other error as it is.
func MappingError(variable string, err error) error {
	bad, ok := errors.AsType[*columns.Error](err)
	if !ok {
		return err
	}
	var problems []config.Problem
	for _, p := range bad.Problems {
		problems = append(problems, config.Problem{Var: variable, Message: p})
	}
	return &config.Error{Problems: problems}
}
