package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"

	"github.com/scrapersky/contactsync/internal/config"
	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/destination/hubspot/api"
	"github.com/scrapersky/contactsync/internal/destination/hubspot/portal"
	"github.com/scrapersky/contactsync/internal/ops"
	"github.com/scrapersky/contactsync/internal/queue/columns"
)

// Planner compares contacts with what HubSpot has. It writes nothing anywhere.
type Planner struct {
	store  *ops.Store
	client *hubspot.Client
	extra  columns.List
}

// Planned is what a sync would do to one contact.
type Planned struct {
	destination.Change

	Email string   // as the row has it
	IDs   []string // of all rows that are sent as one
}

// NewPlanner reads which columns are mapped.
func NewPlanner(ctx context.Context, cfg config.Config, store *ops.Store, log *slog.Logger) (*Planner, error) {
	extra, err := store.Extra(ctx, cfg.HubSpot.Properties.Map.Columns())
	if err != nil {
		return nil, PropertyMapError(err)
	}
	client, err := readOnlyClient(cfg, extra, log, noGuard)
	return &Planner{store: store, client: client, extra: extra}, err
}

// Blocked returns which properties would keep everything from being sent, and why. For a
// key that may not see properties it returns nothing.
func (p *Planner) Blocked(ctx context.Context) ([]string, error) {
	var reasons []string
	for _, m := range p.client.Mapped() {
		property, found, err := p.client.Property(ctx, m.Name)
		if e, ok := errors.AsType[*api.Error](err); ok && e.Status == http.StatusForbidden {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("look for property %s: %w", m.Name, err)
		}
		if !found {
			reasons = append(reasons, fmt.Sprintf("HubSpot has no property %s%s", m.Name, m.OfType()))
		} else if fit, why := m.Judge(property); fit == portal.Unfit {
			reasons = append(reasons, fmt.Sprintf("property %s: %s", m.Name, why))
		}
	}
	return reasons, nil
}

// Plan returns what a sync would do to the contacts with these ids, merged as a
// worker does, and the ids that no row has.
func (p *Planner) Plan(ctx context.Context, ids []string) (plan []Planned, missing []string, err error) {
	contacts, err := p.store.Read(ctx, p.extra, ids)
	if err != nil {
		return nil, nil, err
	}
	groups := contact.Merge(contacts)
	merged := make([]contact.Contact, len(groups))
	for i, g := range groups {
		merged[i] = g.Contact
	}
	changes, err := p.client.Preview(ctx, merged)
	if err != nil {
		return nil, nil, fmt.Errorf("read the contacts that HubSpot has: %w", err)
	}
	for i, change := range changes {
		planned := Planned{Change: change, Email: merged[i].Email}
		for _, row := range groups[i].Rows {
			planned.IDs = append(planned.IDs, contacts[row].ID)
		}
		plan = append(plan, planned)
	}
	return plan, unread(ids, contacts), nil
}

// unread returns the ids that no row has.
func unread(ids []string, contacts []contact.Contact) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
		return slices.ContainsFunc(contacts, func(c contact.Contact) bool { return c.ID == id })
	})
}
