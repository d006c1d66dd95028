package queue

import (
	"context"
	"fmt"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/database"
)

// refused says whether the database answered and refused the statement for what may
// be some of its rows, on a connection that lives on. A statement that does not fit
// the table any more is no row's fault: an app has dropped a column that is mapped,
// for one.
func refused(ctx context.Context, err error) bool {
	return ctx.Err() == nil && database.Classify(err) == database.Row
}

// marked makes an ErrTrouble of an error for which no row is to blame and which may
// pass, on a session that lives on.
func marked(ctx context.Context, err error) error {
	switch database.Classify(err) {
	case database.Server, database.Connection, database.Denied:
		if ctx.Err() == nil {
			return fmt.Errorf("%w: %w", contact.ErrTrouble, err)
		}
	}
	return err
}
