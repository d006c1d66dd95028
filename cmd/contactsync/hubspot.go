package main

import (
	"log/slog"
	"net/http"

	"github.com/scrapersky/contactsync/internal/config"
	"github.com/scrapersky/contactsync/internal/hubspot"
)

// newHubSpotClient makes the client as the settings say. Slots processes share
// the rate limit. Guard wraps the transport, so that no request leaves when none
// may.
func newHubSpotClient(cfg config.HubSpot, slots int, log *slog.Logger, guard func(http.RoundTripper) http.RoundTripper) (*hubspot.Client, error) {
	client := hubspot.NewHTTPClient()
	client.Transport = guard(client.Transport)
	return hubspot.New(hubspot.Options{
		BaseURL: cfg.BaseURL, Version: cfg.Version, Token: cfg.APIKey.Reveal(), PortalID: cfg.PortalID,
		AllowHTTP: cfg.AllowHTTP, HTTP: client, Timeout: cfg.Timeout,
		RatePer10s: cfg.RatePer10s / slots, Slots: slots,
		Properties: propertyNames(cfg),
		Log:        log,
	})
}

func propertyNames(cfg config.HubSpot) hubspot.PropertyNames {
	return hubspot.PropertyNames{
		DomainID: cfg.Properties.DomainID, PageID: cfg.Properties.PageID, SyncDate: cfg.Properties.SyncDate,
	}
}

// unguarded is the guard of a command that may always ask.
func unguarded(base http.RoundTripper) http.RoundTripper { return base }
