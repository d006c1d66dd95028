// Package schema brings a database to what this binary needs and back, and
// says whether it is there. It exists apart from the queue because it runs with
// other rights (an owner's), at other times (a deploy) and under other rules: a
// busy table must not be blocked by it, and of two runs at once one must wait.
//
// Only contactsync's own tables have versions (migrations/*.sql, run by goose). The rest
// is declared: what is wanted is compared with what is there, and the difference is
// applied. These are, in this order, the columns on the app's table (columns.go), the
// indexes on it (indexes.go), the views (migrations/objects/*.sql) and the triggers
// (triggers/*.sql), for every destination that is configured or was once installed. What
// was created is recorded in contactsync.installed, so that Down drops that and
// nothing else. Detach takes triggers and indexes off while the app alters a column that
// they are on, and Attach puts them back (detach.go).
package schema

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/statement"
)

// Options says what a database is prepared for.
type Options struct {
	Table        string             // the app's table as SQL: app.people; "" is contacts
	Columns      map[string]string  // the app's names for columns of the contract: email → mail
	Destinations []destination.Info // those that are configured
	Written      destination.Info   // the one whose names the SQL files are written in

	Yes    bool // Up goes on where it would otherwise return a *ConsentError
	Create bool // Up creates the table also where there is one of its name in another schema
	DryRun bool // Up looks and plans, and changes nothing
}

// table is the name of the app's table as it was configured.
func (o Options) table() string {
	if o.Table == "" {
		return statement.Contacts().Name
	}
	return o.Table
}

// Result says what Up did. It is zero when there was nothing to do.
type Result struct {
	Plan    []string // what it was to add, for people
	Applied []string // steps, as Status names them, in order
}

// Up applies what is missing. It may run at any time, also while workers and
// writers are at it: locks that writers would have to wait for are given up
// after 3 s and tried again, and indexes are built concurrently, however long
// that takes. The error is a *BlockedError when another session did not let go
// of contacts, an *UnsuitableError when contacts must be changed by hand first, a
// *ConsentError when others would be harmed: of the last two nothing is left behind.
func Up(ctx context.Context, url string, o Options, log *slog.Logger) (Result, error) {
	return up(ctx, url, o, log, standardPolicy())
}

func up(ctx context.Context, url string, o Options, log *slog.Logger, how retryPolicy) (result Result, err error) {
	defer func() { err = wrap("migrate up", err) }()
	m, err := open(ctx, url, o, log, how)
	if err != nil {
		return result, err
	}
	defer m.close(ctx)
	if result.Plan, err = m.preflight(ctx); err != nil || o.DryRun {
		return result, err
	}
	if m.found.copied {
		if err := m.retryLocked(ctx, func() error { return m.clearCopy(ctx) }); err != nil {
			return result, err
		}
	}
	if err := m.createSchema(ctx); err != nil {
		return result, err
	}
	plan := result.Plan
	result, err = m.apply(ctx, m.upVersions, m.upName, m.upColumns, m.upPlaces, m.upIDs, m.upIndexes, m.upViews, m.upTriggers)
	result.Plan = plan
	return result, m.leaveNothing(ctx, err)
}

// apply takes steps, each of which returns the names of what it has done.
func (m *migrator) apply(ctx context.Context, steps ...func(context.Context) ([]string, error)) (result Result, err error) {
	for _, step := range steps {
		err := m.retryLocked(ctx, func() error {
			if err := m.look(ctx); err != nil {
				return err
			}
			done, err := step(ctx)
			result.Applied = append(result.Applied, done...)
			return err
		})
		if err != nil {
			return result, err
		}
	}
	if len(result.Applied) == 0 {
		return result, nil
	}
	return result, m.retryLocked(ctx, func() error { return m.grantAgain(ctx) })
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
