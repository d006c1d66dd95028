package app

import (
	"github.com/scrapersky/contactsync/internal/config"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/schema"
	"github.com/scrapersky/contactsync/internal/statement"
)

// SchemaOptions returns what a database is prepared for by these settings.
func SchemaOptions(cfg config.Contacts) schema.Options {
	return schema.Options{
		Table: cfg.Table, Columns: cfg.Columns.Names,
		Destinations: []destination.Info{hubspot.Info}, Written: hubspot.Info,
	}
}

// contactsFor returns what statements are rendered for.
func contactsFor(d destination.Info) statement.Target {
	return statement.For(statement.Contacts(), d, hubspot.Info)
}
