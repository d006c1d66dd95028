package destination

import (
	"context"

	"github.com/scrapersky/contactsync/internal/contact"
)

// Destination is where contacts go.
type Destination interface {
	// Upsert sends contacts with distinct keys and returns exactly one outcome
	// for each, in their order, whatever happens, also when ctx ends. It is called
	// by several goroutines at a time, with distinct keys as well.
	Upsert(ctx context.Context, batch []contact.Contact) contact.Report

	// Probe asks, without writing anything, whether the account can be used.
	Probe(ctx context.Context) error
}
