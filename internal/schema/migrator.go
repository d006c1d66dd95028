package schema

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/scrapersky/contactsync/internal/database/encoding"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/statement"
)

// appName is what the sessions of a migration are called in pg_stat_activity.
const appName = "contactsync migrate"

// migrator is one run of up or down, alone in its database.
type migrator struct {
	config  *pgx.ConnConfig
	lock    *pgx.Conn // holds the right to migrate; its transaction is idle
	work    *pgx.Conn // everything but the versions
	db      *sql.DB   // goose's
	how     retryPolicy
	options Options
	found   found // when it was last looked

	attaching     bool // what is detached is put back
	createdSchema bool // by this run
	log           *slog.Logger
}

func open(ctx context.Context, url string, o Options, log *slog.Logger, how retryPolicy) (_ *migrator, err error) {
	config, err := parse(url, log)
	if err != nil {
		return nil, err
	}
	m := &migrator{config: config, options: o, how: how, log: log}
	defer func() {
		if err != nil {
			m.close(ctx)
		}
	}()
	idle := config.Copy()
	// The extended protocol leaves the last query's portal open, and with it a
	// snapshot, which a concurrent index build would wait for.
	idle.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	if m.lock, err = connect(ctx, idle); err != nil {
		return nil, err
	}
	if err := lockMigrations(ctx, m.lock, log); err != nil {
		return nil, err
	}
	if m.work, err = connect(ctx, config); err != nil {
		return nil, err
	}
	m.db = stdlib.OpenDB(*config, stdlib.OptionAfterConnect(prepare))
	return m, nil
}

// look finds out how the database stands.
func (m *migrator) look(ctx context.Context) (err error) {
	m.found, err = look(ctx, m.work, m.options, m.how.files)
	return err
}

// tableName is the table's as it was found, or else configured.
func (m *migrator) tableName() string {
	if m.found.table != nil {
		return m.found.table.Ident
	}
	return m.options.table()
}

// target is what statements about a destination are rendered for.
func (m *migrator) target(d destination.Info) statement.Target {
	return statement.For(m.found.table.statement(), d, m.options.Written)
}

// close also gives up the right to migrate.
func (m *migrator) close(ctx context.Context) {
	// A run that was cancelled must say goodbye, too.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	if m.db != nil {
		_ = m.db.Close() // nothing is left to lose
	}
	for _, conn := range []*pgx.Conn{m.work, m.lock} {
		if conn != nil {
			_ = conn.Close(ctx) // the same
		}
	}
}

// parse does not pass the parser's error on: it quotes a malformed URL, in
// which it cannot tell what the password is.
func parse(url string, log *slog.Logger) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, errors.New("the database URL cannot be read; " +
			"expected postgres://user:password@host:5432/database, special characters percent-encoded")
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 10 * time.Second
	}
	for name := range config.RuntimeParams {
		if strings.HasPrefix(name, "pool_") {
			delete(config.RuntimeParams, name) // meant for a pool; the server would refuse it
		}
	}
	config.RuntimeParams["client_encoding"] = "UTF8"
	config.DefaultQueryExecMode = pgx.QueryExecModeExec // the tables change under a cached statement
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		if n.Severity == "WARNING" {
			log.Warn("the database warns", "message", n.Message)
		}
	}
	return config, nil
}

func connect(ctx context.Context, config *pgx.ConnConfig) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	if err := prepare(ctx, conn); err != nil {
		_ = conn.Close(ctx) // the first error is the one to tell
		return nil, err
	}
	return conn, nil
}

// prepare makes the session's settings: a migration may take long, however
// short the deadlines of this role or database are. It is done by SET because
// poolers reject startup parameters; and not at all where a pooler made up the
// server's process id, because the settings could stay behind on a connection
// that is another app's next. What the migrations rely on, they set themselves.
func prepare(ctx context.Context, conn *pgx.Conn) error {
	if err := encoding.Require(conn); err != nil {
		return err
	}
	var pid uint32
	err := conn.QueryRow(ctx, "SELECT pg_backend_pid()", pgx.QueryExecModeExec).Scan(&pid)
	if err != nil || pid != conn.PgConn().PID() {
		return wrap("session settings", err)
	}
	_, err = conn.Exec(ctx, sessionsSQL.Text("prepare"), pgx.QueryExecModeSimpleProtocol)
	return wrap("session settings", err)
}

func (m *migrator) createSchema(ctx context.Context) error {
	// IF NOT EXISTS asks for the right to create before it looks.
	var there bool
	if err := m.work.QueryRow(ctx, "SELECT to_regnamespace('contactsync') IS NOT NULL").Scan(&there); err != nil || there {
		return err
	}
	_, err := m.work.Exec(ctx, "CREATE SCHEMA contactsync")
	m.createdSchema = err == nil
	return wrap("create schema contactsync", err)
}

// dropSchema ends what `down --all` began. A schema that somebody else made for
// contactsync stays, empty.
func (m *migrator) dropSchema(ctx context.Context) error {
	_, err := m.work.Exec(ctx, recordSQL.Text("drop_schema"), pgx.QueryExecModeSimpleProtocol)
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok && refused.Code == "42501" {
		m.log.WarnContext(ctx, "schema contactsync belongs to another role and stays, empty")
		return nil
	}
	if err != nil {
		return fmt.Errorf("drop schema contactsync: %w", err)
	}
	return nil
}
