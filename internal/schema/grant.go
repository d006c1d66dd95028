package schema

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/queue/columns"
	"github.com/scrapersky/contactsync/internal/statement"
	"github.com/scrapersky/contactsync/migrations/roles"
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
func GrantText(role string, rights Rights, o Options) string {
	table := statement.Table{Name: o.table(), ID: statement.Contacts().ID, Columns: o.Columns}
	return grantText(role, rights, table, o.Destinations, o.Written)
}

func grantText(role string, rights Rights, table statement.Table, list []destination.Info, written destination.Info) string {
	text := roles.Reader
	if rights == Worker {
		text += "\n" + roles.Worker
	}
	return strings.NewReplacer(
		`:"role"`, pgx.Identifier{role}.Sanitize(),
		`:'role'`, "'"+strings.ReplaceAll(role, "'", "''")+"'",
	).Replace(statement.Script(table, list, written, text))
}

// GrantColumnsText is the SQL that GrantColumns runs for a role.
func GrantColumnsText(role string, extra []string, o Options) string {
	return grantColumnsText(role, extra, o.table())
}

func grantColumnsText(role string, extra []string, table string) string {
	quoted := make([]string, len(extra))
	for i, name := range extra {
		quoted[i] = statement.Quote(name)
	}
	return fmt.Sprintf("GRANT SELECT (%s) ON %s TO %s;\n", strings.Join(quoted, ", "), table, statement.Quote(role))
}

// GrantColumns lets every role that Grant was called for read extra columns of
// contacts: those that are sent beyond the ones of the contract. The error is a
// *columns.Error where a column cannot be sent.
func GrantColumns(ctx context.Context, url string, o Options, extra []string, log *slog.Logger) (err error) {
	defer func() { err = wrap("grant columns", err) }()
	m, err := open(ctx, url, o, log, standardPolicy())
	if err != nil {
		return err
	}
	defer m.close(ctx)
	if err := m.migrated(ctx); err != nil {
		return err
	}
	if _, err := columns.Find(ctx, m.work, m.found.table.statement(), extra); err != nil {
		return err
	}
	return m.withLockTimeout(ctx, func(tx pgx.Tx) error {
		for _, role := range m.found.of(kindRole) {
			there, err := hasRole(ctx, tx, role.Name)
			if err == nil && there {
				_, err = tx.Exec(ctx, grantColumnsText(role.Name, extra, m.found.table.Ident))
			}
			if err != nil {
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
func Grant(ctx context.Context, url string, o Options, role string, rights Rights, log *slog.Logger) (err error) {
	defer func() { err = wrap("migrate grant", err) }()
	m, err := open(ctx, url, o, log, standardPolicy())
	if err != nil {
		return err
	}
	defer m.close(ctx)
	if err := m.migrated(ctx); err != nil {
		return err
	}
	return m.withLockTimeout(ctx, func(tx pgx.Tx) error {
		there, err := hasRole(ctx, tx, role)
		if err != nil {
			return err
		}
		if !there {
			return fmt.Errorf("%w: %s", ErrNoRole, role)
		}
		// Nothing is taken from a worker.
		if Rights(m.found.recorded(kindRole, role).Detail) != Worker {
			if err := add(ctx, tx, record{Kind: kindRole, Name: role, Detail: string(rights)}); err != nil {
				return err
			}
		}
		return m.grant(ctx, tx, role, rights)
	})
}

// migrated looks, and refuses a database that Up has not been run for.
func (m *migrator) migrated(ctx context.Context) error {
	if err := m.look(ctx); err != nil {
		return err
	}
	return m.found.ready()
}

func hasRole(ctx context.Context, db querier, name string) (there bool, err error) {
	err = db.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", name).Scan(&there)
	return there, err
}

func (m *migrator) grant(ctx context.Context, tx pgx.Tx, role string, rights Rights) error {
	installed, err := m.found.destinations()
	if err != nil {
		return err
	}
	table := m.found.table.statement()
	text := grantText(role, rights, table, installed, m.options.Written)
	if _, err := tx.Exec(ctx, text, pgx.QueryExecModeSimpleProtocol); err != nil {
		return err
	}
	writes := ""
	if rights == Worker {
		writes = table.Column("updated_at")
	}
	var granted bool
	err = tx.QueryRow(ctx, catalogSQL.Text("granted"), role, m.found.table.OID, table.Column("email"), writes).Scan(&granted)
	if err == nil && !granted {
		err = errors.New("this role may not give these rights away: use the URL of the role that ran `contactsync migrate up`")
	}
	return err
}

// grantAll gives the roles that were granted something, and are still there, what
// there is now.
func (m *migrator) grantAll(ctx context.Context, tx pgx.Tx) error {
	for _, role := range m.found.of(kindRole) {
		there, err := hasRole(ctx, tx, role.Name)
		if err == nil && there {
			err = m.grant(ctx, tx, role.Name, Rights(role.Detail))
		}
		if err != nil {
			return fmt.Errorf("rights of role %s: %w", role.Name, err)
		}
	}
	return nil
}

// grantAgain does that for what the steps have added that were just applied.
func (m *migrator) grantAgain(ctx context.Context) error {
	if err := m.look(ctx); err != nil {
		return err
	}
	return m.withLockTimeout(ctx, func(tx pgx.Tx) error { return m.grantAll(ctx, tx) })
}
