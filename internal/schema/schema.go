// Package schema brings a database to what this binary needs and back, and
// says whether it is there. It exists apart from the queue because it runs with
// other rights (an owner's), at other times (a deploy) and under other rules: a
// busy table must not be blocked by it, and of two runs at once one must wait.
//
// The versions are migrations/*.sql and the indexes (indexes.go), run by goose;
// the triggers (triggers/*.sql) have no version, but are applied again whenever
// their text changed.
package schema

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3"
)

// Result says what Up did. It is zero when there was nothing to do.
type Result struct {
	Applied  []string // migrations, in order
	Triggers bool     // whether the triggers were applied
}

// Up applies what is missing. It may run at any time, also while workers and
// writers are at it: locks that writers would have to wait for are given up
// after 3 s and tried again, and indexes are built concurrently, however long
// that takes. The error is a *BlockedError when another session did not let go
// of contacts, an *UnsuitableError when contacts must be changed by hand first.
func Up(ctx context.Context, url string, log *slog.Logger) (Result, error) {
	return up(ctx, url, log, standard())
}

func up(ctx context.Context, url string, log *slog.Logger, timing timing) (result Result, err error) {
	defer func() { err = wrap("migrate up", err) }()
	m, err := open(ctx, url, log, timing)
	if err != nil {
		return result, err
	}
	defer m.close(ctx)
	if err := m.createSchema(ctx); err != nil {
		return result, err
	}
	err = m.patiently(ctx, func() error {
		done, err := m.provider.Up(ctx)
		result.Applied = append(result.Applied, names(done, err)...)
		return err
	})
	if err != nil {
		return result, err
	}
	// What is replaced goes when what comes instead is there, and at every run: one that
	// was cut may have left it.
	if err := m.patiently(ctx, func() error { return m.dropIndexes(ctx, replacedBy10()) }); err != nil {
		return result, err
	}
	err = m.patiently(ctx, func() (err error) {
		result.Triggers, err = m.applyTriggers(ctx)
		return err
	})
	if err != nil || len(result.Applied) == 0 && !result.Triggers {
		return result, wrap("triggers", err)
	}
	return result, m.patiently(ctx, func() error { return m.grantAgain(ctx) })
}

// Down takes the triggers off and undoes the newest migration, or with all
// every one, and then schema contactsync is gone. It returns the names of the
// migrations that were undone, newest first. Only what Up created goes; a
// contacts table that Up created and that holds rows is not dropped, but
// reported as an *UnsuitableError.
func Down(ctx context.Context, url string, all bool, log *slog.Logger) (undone []string, err error) {
	return down(ctx, url, all, log, standard())
}

func down(ctx context.Context, url string, all bool, log *slog.Logger, timing timing) (undone []string, err error) {
	defer func() { err = wrap("migrate down", err) }()
	m, err := open(ctx, url, log, timing)
	if err != nil {
		return nil, err
	}
	defer m.close(ctx)
	m.all = all
	migrated, err := isMigrated(ctx, m.work)
	if err != nil {
		return nil, err
	}
	if migrated && all {
		err := m.patiently(ctx, func() error {
			_, err := m.work.Exec(ctx, keepsContactsSQL, pgx.QueryExecModeSimpleProtocol)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if migrated {
		if err := m.patiently(ctx, func() error { return m.dropTriggers(ctx) }); err != nil {
			return nil, wrap("triggers", err)
		}
		err = m.patiently(ctx, func() error {
			done, err := m.stepsDown(ctx, all)
			undone = append(undone, names(done, err)...)
			return err
		})
		if err != nil {
			return undone, err
		}
	}
	if !all {
		return undone, nil
	}
	return undone, m.patiently(ctx, func() error { return m.dropSchema(ctx) })
}

func (m *migrator) stepsDown(ctx context.Context, all bool) ([]*goose.MigrationResult, error) {
	if all {
		return m.provider.DownTo(ctx, 0)
	}
	one, err := m.provider.Down(ctx)
	if errors.Is(err, goose.ErrNoNextVersion) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return []*goose.MigrationResult{one}, nil
}

// names lists what was done, also where the rest of it failed.
func names(done []*goose.MigrationResult, err error) []string {
	if partial, ok := errors.AsType[*goose.PartialError](err); ok {
		done = partial.Applied
	}
	var list []string
	for _, r := range done {
		list = append(list, nameOf(r.Source.Version))
	}
	return list
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
