package app

import (
	"github.com/scrapersky/contactsync/internal/config"
	"github.com/scrapersky/contactsync/internal/destination/webhook"
)

// FieldMap is the variable that maps columns to the members of a webhook's body.
const FieldMap = "N8N_FIELD_MAP"

// webHook is a webhook as the program builds and runs it.
func webHook() adapter {
	return adapter{
		info: webhook.Info,
		settings: func(cfg config.Config) settings {
			return settings{
				configured: !cfg.Webhook.URL.IsZero(), sync: cfg.Webhook.Sync, columns: cfg.Webhook.Fields.Map.Columns(), mapping: FieldMap,
				timeout: cfg.Webhook.Timeout, doubt: cfg.Webhook.Doubt,
			}
		},
		connect: func(o connectOptions) (connection, error) {
			cfg, client := o.cfg.Webhook, webhook.NewHTTPClient()
			client.Transport = o.wrap(client.Transport)
			fields := make([]webhook.Field, len(cfg.Fields.Map.Pairs))
			for i, p := range cfg.Fields.Map.Pairs {
				fields[i] = webhook.Field{Name: p.Property, Clear: p.Clear, Kind: o.extra[i].Kind}
			}
			poster, err := webhook.New(webhook.Options{
				URL: cfg.URL.Reveal(), Secret: cfg.Secret.Reveal(), Fields: fields, AllowHTTP: cfg.AllowHTTP,
				HTTP: client, Timeout: cfg.Timeout, RatePer10s: cfg.RatePer10s / o.slots, Log: o.log,
			})
			return connection{Destination: poster, limits: poster.Limits}, err
		},
		callName: webhook.CallName,
	}
}
