package app

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/ops"
	"github.com/scrapersky/contactsync/internal/rowsecurity"
)

// visibility logs what row security hides from this process: once when that begins,
// again when it changes, and when it is over. Whatever goes wrong here must end no work.
// It is safe for concurrent use.
type visibility struct {
	log *slog.Logger

	mu     sync.Mutex
	looked time.Time
	hidden []rowsecurity.Hidden // when it was last looked
}

// look asks, unless that was done a moment ago, and reports whether there is something to
// be seen that was hidden.
func (v *visibility) look(ctx context.Context, conn *pgx.Conn) (sees bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if time.Since(v.looked) < ops.Every {
		return false
	}
	v.looked = time.Now()
	hidden, err := rowsecurity.From(ctx, conn, "", true)
	if err != nil {
		v.log.DebugContext(ctx, "cannot tell what row security hides", "error", err)
		return false
	}
	before, now := rowsecurity.Words(v.hidden), rowsecurity.Words(hidden)
	v.hidden = hidden
	switch {
	case now == before:
		return false
	case now == "":
		v.log.InfoContext(ctx, "row security hides nothing any more")
	case v.error() != nil:
		v.log.ErrorContext(ctx, "row security hides contacts: what is queued there is not sent", "hidden", now, "remedy", strings.Join(rowsecurity.SQL(hidden), " "))
	default:
		v.log.WarnContext(ctx, "row security may hide contacts: what is queued there is not sent", "hidden", now, "remedy", strings.Join(rowsecurity.SQL(hidden), " "))
	}
	return before != ""
}

// err returns an error where nothing can be done at all.
func (v *visibility) err() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.error()
}

func (v *visibility) error() error {
	if worst := rowsecurity.Contacts(v.hidden); worst != nil && worst.EveryRow {
		return &blindError{v.hidden}
	}
	return nil
}

// blindError says that this role sees no contacts.
type blindError struct{ hidden []rowsecurity.Hidden }

// Error names the remedy.
func (e *blindError) Error() string { return strings.Join(e.Lines(), "\n") }

// Lines are those of Error.
func (e *blindError) Lines() []string {
	lines := []string{rowsecurity.Words(e.hidden) + "; to let the role see them, run `contactsync migrate grant --policies` as the owner, or:"}
	for _, sql := range rowsecurity.SQL(e.hidden) {
		lines = append(lines, "  "+sql)
	}
	return lines
}

// Visible returns an error where row security hides every contact from the role of a
// database URL: nothing that is asked of it would come about, or be found.
func Visible(ctx context.Context, store *ops.Store, works bool) error {
	hidden, err := store.Hidden(ctx, works)
	if err != nil {
		return err
	}
	if worst := rowsecurity.Contacts(hidden); worst != nil && worst.EveryRow {
		return &blindError{hidden}
	}
	return nil
}
