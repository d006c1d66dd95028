package main

import (
	"github.com/scrapersky/contactsync/internal/config"
	destinations "github.com/scrapersky/contactsync/internal/destination"
	hubspotinfo "github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/schema"
)

// schemaOptions is what the database is prepared for.
func schemaOptions(cfg config.Contacts) schema.Options {
	return schema.Options{
		Table: cfg.Table, Columns: cfg.Columns.Names,
		Destinations: []destinations.Info{hubspotinfo.Info}, Written: hubspotinfo.Info,
	}
}
