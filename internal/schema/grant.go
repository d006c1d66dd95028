package schema

import (
	"context"
	_ "embed" // the statements
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/queue/columns"
	"github.com/scrapersky/contactsync/internal/statement"
	"github.com/scrapersky/contactsync/migrations/roles"
)

var (
	//go:embed granted.sql
	grantedSQL string
	//go:embed grant_record.sql
	grantRecordSQL string
	//go:embed grant_recorded.sql
	grantRecordedSQL string
)

// Rights is what a role of the database may do with contactsync.
type Rights string

// The rights, as they are recorded. A worker may do all that a reader may.
const (
	Reader Rights = "reader" // look: `contactsync status`, the views
	Worker Rights = "worker" // run, sync, queue, retry
)

// ErrNoRole says that there is no role of that name.
var ErrNoRole = errors.New("there is no such role")

// GrantText is the SQL that Grant runs, for people who would rather read it, or
// run it themselves.
func GrantText(role string, rights Rights) string {
	text := roles.Reader
	if rights == Worker {
		text += "\n" + roles.Worker
	}
	return strings.NewReplacer(
		`:"role"`, pgx.Identifier{role}.Sanitize(),
		`:'role'`, "'"+strings.ReplaceAll(role, "'", "''")+"'",
	).Replace(text)
}

// GrantColumnsText is the SQL that GrantColumns runs for a role.
func GrantColumnsText(role string, further []string) string {
	quoted := make([]string, len(further))
	for i, name := range further {
		quoted[i] = pgx.Identifier{name}.Sanitize()
	}
	return fmt.Sprintf("GRANT SELECT (%s) ON contacts TO %s;\n", strings.Join(quoted, ", "), pgx.Identifier{role}.Sanitize())
}

// GrantColumns lets every role that Grant was called for read further columns of
// contacts: those that are sent beyond the ones of the contract. The error is a
// *columns.Error where a column cannot be sent.
func GrantColumns(ctx context.Context, url string, further []string, log *slog.Logger) (err error) {
	defer func() { err = wrap("grant columns", err) }()
	m, err := open(ctx, url, log, standard())
	if err != nil {
		return err
	}
	defer m.close(ctx)
	if _, err := columns.Find(ctx, m.work, statement.Contacts(), further); err != nil {
		return err
	}
	list, err := m.grantees(ctx)
	if err != nil {
		return err
	}
	return m.briefly(ctx, func(tx pgx.Tx) error {
		for _, role := range list {
			if _, err := tx.Exec(ctx, GrantColumnsText(role.Name, further)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Grant lets a role that exists do a worker's or a reader's job on the database
// of url, whose role owns contacts and schema contactsync. What the role may do
// beyond that it keeps. Later runs of Up give it what their version needs. The
// error is a *NotMigratedError where Up comes first, and ErrNoRole.
func Grant(ctx context.Context, url, role string, rights Rights, log *slog.Logger) (err error) {
	defer func() { err = wrap("migrate grant", err) }()
	m, err := open(ctx, url, log, standard())
	if err != nil {
		return err
	}
	defer m.close(ctx)
	list, err := versions(ctx, m.work)
	if err != nil {
		return err
	}
	if missing := pendingOf(list); len(missing) > 0 {
		return &NotMigratedError{Pending: missing}
	}
	if err := sameContacts(ctx, m.work); err != nil {
		return err
	}
	return m.grant(ctx, role, rights)
}

func (m *migrator) grant(ctx context.Context, role string, rights Rights) error {
	return m.briefly(ctx, func(tx pgx.Tx) error {
		var there bool
		if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", role).Scan(&there); err != nil {
			return err
		}
		if !there {
			return fmt.Errorf("%w: %s", ErrNoRole, role)
		}
		if _, err := tx.Exec(ctx, GrantText(role, rights), pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		var granted bool
		if err := tx.QueryRow(ctx, grantedSQL, role, rights == Worker).Scan(&granted); err != nil {
			return err
		}
		if !granted {
			return errors.New("this role may not give these rights away: use the URL of the role that ran `contactsync migrate up`")
		}
		_, err := tx.Exec(ctx, grantRecordSQL, role, rights)
		return err
	})
}

// grantAgain gives the roles that were granted something what the migrations
// that were just applied have added.
func (m *migrator) grantAgain(ctx context.Context) error {
	list, err := m.grantees(ctx)
	if err != nil {
		return err
	}
	for _, role := range list {
		if err := m.grant(ctx, role.Name, role.Rights); err != nil {
			return fmt.Errorf("rights of role %s: %w", role.Name, err)
		}
	}
	return nil
}

// grantee is a role that was granted something.
type grantee struct {
	Name   string
	Rights Rights
}

func (m *migrator) grantees(ctx context.Context) ([]grantee, error) {
	rows, err := m.work.Query(ctx, grantRecordedSQL)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[grantee])
}
