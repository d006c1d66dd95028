package main

import (
	"context"

	"github.com/scrapersky/contactsync/internal/app"
	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/queue/admin"
)

// destinationName is whose queue the commands are about.
var destinationName = hubspot.Info.Name

// withDesk gives work the contacts of a migrated database.
func (p *program) withDesk(ctx context.Context, work func(desk *admin.Desk) error) error {
	cfg, err := load[databaseSettings](ctx, p, settingsFile)
	if err != nil {
		return err
	}
	return app.WithDesk(ctx, cfg.Database, work)
}
