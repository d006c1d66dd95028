package schema

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/statement"
	"github.com/scrapersky/contactsync/migrations/objects"
	"github.com/scrapersky/contactsync/triggers"
)

var triggerName = regexp.MustCompile(`(?m)^CREATE OR REPLACE TRIGGER (\w+)`)

// triggerText is the text of all trigger files in the order of their names, and of
// the objects, which are applied with them.
func triggerText() (string, error) {
	var text strings.Builder
	files, err := fs.Glob(triggers.FS, "*.sql")
	if err != nil {
		return "", err
	}
	for _, file := range files {
		content, err := fs.ReadFile(triggers.FS, file)
		if err != nil {
			return "", err
		}
		text.Write(content)
	}
	return text.String() + objects.State, nil
}

// applyObjects renders the functions and views for the table that there is, and puts
// them into the schema.
func applyObjects(ctx context.Context, tx pgx.Tx) error {
	var table statement.Table
	if err := tx.QueryRow(ctx, objectsTableSQL).Scan(&table.Name, &table.ID); err != nil {
		return fmt.Errorf("look for the table: %w", err)
	}
	_, err := tx.Exec(ctx, statement.Script(table, []destination.Info{hubspot.Info}, hubspot.Info, objects.State), pgx.QueryExecModeSimpleProtocol)
	return err
}

// triggerState is how the triggers of a database compare with this binary's.
type triggerState struct {
	Missing   []string // missing or disabled
	AppliedAt time.Time
	there     bool // any of them, or a record of them
	same      bool // the text that was applied last is this binary's
}

func (s triggerState) state() State {
	switch {
	case s.same && len(s.Missing) == 0:
		return Applied
	case s.there:
		return Stale
	default:
		return Pending
	}
}

func triggersOf(ctx context.Context, conn *pgx.Conn) (triggerState, error) {
	text, err := triggerText()
	if err != nil {
		return triggerState{}, err
	}
	var hash string
	var at *time.Time
	var enabled []string
	if err := conn.QueryRow(ctx, triggerStateSQL).Scan(&hash, &at, &enabled); err != nil {
		return triggerState{}, fmt.Errorf("look for the triggers: %w", err)
	}
	found := triggerState{there: hash != "" || len(enabled) > 0, same: hash == hashOf(text)}
	if at != nil {
		found.AppliedAt = *at
	}
	for _, match := range triggerName.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(enabled, match[1]) {
			found.Missing = append(found.Missing, match[1])
		}
	}
	return found, nil
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// applyTriggers puts this binary's triggers on contacts, unless they are there
// already, or a newer binary's are.
func (m *migrator) applyTriggers(ctx context.Context) (applied bool, err error) {
	if err := sameContacts(ctx, m.work); err != nil {
		return false, err
	}
	found, err := triggersOf(ctx, m.work)
	if err != nil || found.state() == Applied {
		return false, err
	}
	list, err := versions(ctx, m.work)
	if err != nil {
		return false, err
	}
	if list[len(list)-1].State == Unknown {
		m.log.WarnContext(ctx, "the database is newer than this version; its triggers stay")
		return false, nil
	}
	text, err := triggerText()
	if err != nil {
		return false, err
	}
	err = m.briefly(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, strings.TrimSuffix(text, objects.State), pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		if err := applyObjects(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, triggerRecordSQL, hashOf(text)); err != nil {
			return err
		}
		// Without its triggers contacts queued contacts and did not ring: whoever
		// sleeps looks now and not at the next tick.
		_, err := tx.Exec(ctx, "SELECT pg_notify('contact_queued', '')")
		return err
	})
	return err == nil, err
}

func (m *migrator) dropTriggers(ctx context.Context) error {
	return m.briefly(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, triggerDropSQL, pgx.QueryExecModeSimpleProtocol)
		return err
	})
}

// briefly runs a transaction that gives up rather than wait long for a lock,
// because whoever writes to contacts queues up behind it.
func (m *migrator) briefly(ctx context.Context, do func(tx pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, m.work, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '3s'"); err != nil {
			return err
		}
		return do(tx)
	})
}
