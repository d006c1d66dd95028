package ops

import (
	"context"
	_ "embed" // the statements
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/queue/columns"
)

//go:embed select_queue.sql
var selectQueueSQL string

// InQueue answers the ids of at most so many contacts in the queue, in the order
// in which they would be claimed.
func (d *Desk) InQueue(ctx context.Context, most int) ([]string, error) {
	return d.texts(ctx, "look into the queue", selectQueueSQL, most)
}

//go:embed select_any.sql
var selectAnySQL string

// AnyWithStatus answers the ids of at most so many contacts whose
// hubspot_sync_status is the given one, whether they are in the queue or not.
func (d *Desk) AnyWithStatus(ctx context.Context, status string, most int) ([]string, error) {
	return d.texts(ctx, "select contacts", selectAnySQL, status, most)
}

//go:embed read.sql
var readSQL string

// Further looks the further columns up; the error is a *columns.Error where one
// of them cannot be sent.
func (d *Desk) Further(ctx context.Context, names []string) (columns.List, error) {
	return columns.Find(ctx, d.pool, names)
}

// Read answers what would be sent of the contacts with these ids, in their
// order, with the further columns. Ids that nobody has are passed over. Nothing
// is claimed.
func (d *Desk) Read(ctx context.Context, further columns.List, ids []string) ([]contact.Contact, error) {
	rows, err := d.pool.Query(ctx, further.In(readSQL), ids)
	if err != nil {
		return nil, fmt.Errorf("read contacts: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (contact.Contact, error) {
		var c contact.Contact
		var updated *time.Time
		err := row.Scan(&c.ID, &c.Email, &c.Name, &c.Phone, &c.DomainID, &c.PageID, &updated, &c.Further)
		if updated != nil {
			c.UpdatedAt = *updated
		}
		return c, err
	})
	if err != nil {
		return nil, fmt.Errorf("read contacts: %w", err)
	}
	return list, nil
}
