package app

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/scrapersky/contactsync/internal/config"
	"github.com/scrapersky/contactsync/internal/hubspot"
	"github.com/scrapersky/contactsync/internal/queue/columns"
)

// NewHubSpotClient makes the client as the settings say. Slots processes share
// the rate limit. Further has the kinds of the further columns where somebody has
// looked, which only looking at the account's properties takes. Guard wraps the transport, so that no request leaves when none
// may.
func NewHubSpotClient(cfg config.HubSpot, further columns.List, slots int, log *slog.Logger, guard func(http.RoundTripper) http.RoundTripper) (*hubspot.Client, error) {
	client := hubspot.NewHTTPClient()
	client.Transport = guard(client.Transport)
	return hubspot.New(hubspot.Options{
		BaseURL: cfg.BaseURL, Version: cfg.Version, Token: cfg.APIKey.Reveal(), Reread: rereading(cfg.APIKeyFile), PortalID: cfg.PortalID,
		AllowHTTP: cfg.AllowHTTP, HTTP: client, Timeout: cfg.Timeout,
		RatePer10s: cfg.RatePer10s / slots, Slots: slots,
		Properties: propertyNames(cfg, further),
		Log:        log,
	})
}

// propertyNames are the properties that contacts are written to.
func propertyNames(cfg config.HubSpot, further columns.List) hubspot.PropertyNames {
	return hubspot.PropertyNames{
		DomainID: cfg.Properties.DomainID, PageID: cfg.Properties.PageID, SyncDate: cfg.Properties.SyncDate,
		Further: furtherProperties(cfg.Properties.Map, further),
	}
}

// furtherProperties are the properties that get the further columns.
func furtherProperties(mapped config.PropertyMap, further columns.List) []hubspot.Further {
	list := make([]hubspot.Further, len(mapped.Pairs))
	for i, p := range mapped.Pairs {
		list[i] = hubspot.Further{Name: p.Property, Clear: p.Clear}
		if len(further) > 0 {
			list[i].Kind = further[i].Kind
		}
	}
	return list
}

// MapError makes problems of the setting of columns that cannot be sent.
func MapError(err error) error {
	bad, ok := errors.AsType[*columns.Error](err)
	if !ok {
		return err
	}
	var problems []config.Problem
	for _, p := range bad.Problems {
		problems = append(problems, config.Problem{Var: "HUBSPOT_PROPERTY_MAP", Message: p})
	}
	return &config.Error{Problems: problems}
}

// Unguarded is the guard of a command that may always ask.
func Unguarded(base http.RoundTripper) http.RoundTripper { return base }
