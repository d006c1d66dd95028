package ops

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/queue/columns"
)

// Queue puts the contacts with these ids into the queue, due at once and with a
// fresh budget of attempts, whatever they wait for, and returns those it found.
func (s *Store) Queue(ctx context.Context, ids []string) (found []string, err error) {
	found, err = s.texts(ctx, s.pool, "queue", pgx.NamedArgs{"ids": ids})
	if err != nil {
		return nil, fmt.Errorf("queue contacts: %w", err)
	}
	return found, nil
}

// RetryFailed queues the contacts in Error, those with the code alone unless it is
// empty, page by page. Work is told after each page which of it were queued, and
// ends it with an error.
func (s *Store) RetryFailed(ctx context.Context, code string, work func(queued []string) error) error {
	return s.Each(ctx, Filter{Status: StatusError, Code: code}, func(ids []string) error {
		found, err := s.Queue(ctx, ids)
		if err != nil {
			return err
		}
		return work(found)
	})
}

// skippedState is what skipped contacts have in place of a state of the queue where the
// app's column does not take NULL.
const skippedState = "Skipped"

// Skip takes the contacts with these ids out of the queue, until somebody queues
// them again, and returns those it changed: not those that are Complete.
func (s *Store) Skip(ctx context.Context, ids []string) (skipped []string, err error) {
	skipped, err = s.texts(ctx, s.pool, "skip", pgx.NamedArgs{"ids": ids, "state": nil})
	if column := notNull(err); column != "" {
		skipped, err = s.texts(ctx, s.pool, "skip", pgx.NamedArgs{"ids": ids, "state": skippedState})
		if err != nil {
			return nil, fmt.Errorf("skip contacts: column %s takes neither NULL nor '%s'; ALTER TABLE ... ALTER COLUMN %s DROP NOT NULL lets it: %w",
				column, skippedState, column, err)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("skip contacts: %w", err)
	}
	return skipped, nil
}

// notNull returns the column that does not take NULL, where that is the error.
func notNull(err error) string {
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok && answer.Code == "23502" {
		return answer.ColumnName
	}
	return ""
}

// Extra looks extra columns up; the error is a *columns.Error where one of them
// cannot be sent.
func (s *Store) Extra(ctx context.Context, names []string) (columns.List, error) {
	known, err := s.source.ready(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for columns: %w", err)
	}
	return columns.Find(ctx, s.pool, known.table, names)
}

// Read returns what would be sent of the contacts with these ids, in their order, with
// the extra columns. Ids that nobody has are passed over. Nothing is claimed.
func (s *Store) Read(ctx context.Context, extra columns.List, ids []string) ([]contact.Contact, error) {
	known, err := s.source.ready(ctx)
	if err != nil {
		return nil, fmt.Errorf("read contacts: %w", err)
	}
	st := known.statements.Named("read")
	rows, err := s.pool.Query(ctx, extra.In(st.SQL), st.Args(pgx.NamedArgs{"ids": ids})...)
	if err != nil {
		return nil, fmt.Errorf("read contacts: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (contact.Contact, error) {
		var c contact.Contact
		var updated *time.Time
		err := row.Scan(&c.ID, &c.Email, &c.Name, &c.Phone, &c.DomainID, &c.PageID, &updated, &c.Extra)
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
