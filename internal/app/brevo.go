package app

import (
	"github.com/scrapersky/contactsync/internal/config"
	"github.com/scrapersky/contactsync/internal/destination/brevo"
	"github.com/scrapersky/contactsync/internal/queue/columns"
)

// AttributeMap is the variable that maps columns to Brevo's attributes.
const AttributeMap = "BREVO_ATTRIBUTE_MAP"

// brevoAdapter is Brevo as the program builds and runs it.
func brevoAdapter() adapter {
	return adapter{
		info: brevo.Info,
		settings: func(cfg config.Config) settings {
			return settings{
				configured: !cfg.Brevo.APIKey.IsZero(), sync: cfg.Brevo.Sync, timeout: cfg.Brevo.Timeout, doubt: cfg.Brevo.Doubt, keyFile: cfg.Brevo.APIKeyFile != "",
				columns: cfg.Brevo.Attributes.Map.Columns(), mapping: AttributeMap,
			}
		},
		connect: func(o connectOptions) (connection, error) {
			client, err := newBrevoClient(o)
			if err != nil {
				return connection{}, err
			}
			return connection{Destination: client, limits: client.Limits, refresh: client.Refresh}, nil
		},
		callName: brevo.CallName,
	}
}

func newBrevoClient(o connectOptions) (*brevo.Client, error) {
	cfg := o.cfg.Brevo
	plain := brevo.NewHTTPClient()
	plain.Transport = o.wrap(plain.Transport)
	return brevo.New(brevo.Options{
		BaseURL: cfg.BaseURL, Key: cfg.APIKey.Reveal(), Reread: rereading(cfg.APIKeyFile), Accept: o.accept,
		HTTP: plain, Timeout: cfg.Timeout, Slots: o.slots, ListID: cfg.ListID, Log: o.log,
		Attributes: brevo.AttributeNames{
			First: cfg.Attributes.FirstName, Last: cfg.Attributes.LastName,
			Phone: cfg.Attributes.Phone, DomainID: cfg.Attributes.DomainID, PageID: cfg.Attributes.PageID,
			Extra: extraAttributes(cfg.Attributes.Map, o.extra),
		},
	})
}

// extraAttributes returns the attributes that get the mapped columns.
func extraAttributes(mapped config.PropertyMap, extra columns.List) []brevo.Extra {
	list := make([]brevo.Extra, len(mapped.Pairs))
	for i, p := range mapped.Pairs {
		list[i].Name = p.Property
		if len(extra) > 0 {
			list[i].Kind = extra[i].Kind
		}
	}
	return list
}
