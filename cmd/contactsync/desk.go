package main

import (
	"context"

	"github.com/scrapersky/contactsync/internal/app"
	"github.com/scrapersky/contactsync/internal/queue/admin"
)

// destination names HubSpot's claims, slots and cycles in the database.
const destination = app.Destination

// withDesk gives work the contacts of a migrated database.
func (p *program) withDesk(ctx context.Context, work func(desk *admin.Desk) error) error {
	cfg, err := load[databaseSettings](ctx, p, settingsFile)
	if err != nil {
		return err
	}
	return app.WithDesk(ctx, cfg.Database, work)
}
