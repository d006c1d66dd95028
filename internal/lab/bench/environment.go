package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/destination"
	hubspotinfo "github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/lab/postgres"
	"github.com/scrapersky/contactsync/internal/schema"
)

// prefix begins the names of the databases of a run.
const prefix = "contactsync_bench_"

// safeServer is how a throw-away server is to run: as a database that somebody
// depends on, not as one for tests, because what a commit costs is half of what
// is measured.
var safeServer = map[string]string{
	"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on",
	"shared_buffers": "512MB", "max_wal_size": "4GB",
}

// statements makes the server count them; not every installation has it.
var statements = map[string]string{
	"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.track": "none",
}

// environment is where measurements take place: a server, and the program.
//
// A measurement cannot share a database with anybody, not even in a schema of its
// own: the slots' locks and the doorbell, notifications, and the schema
// contactsync exist once a database. So it gets databases of its own, and no table
// that is there is ever touched.
type environment struct {
	opt     Options
	address string // of the server, with a database that is there

	admin  *pgx.Conn
	mark   string // in the names of all databases of this run
	count  atomic.Int64
	server *postgres.Server // nil where the server is somebody's
}

// errRole says what a run needs of the database.
var errRole = errors.New("the role in DATABASE_URL may not create databases, and a measurement needs one of its own " +
	"(ALTER ROLE ... CREATEDB gives it the right); or measure on a throw-away server: --throwaway")

// openEnvironment connects to the server, or starts one where address is empty.
func openEnvironment(ctx context.Context, opt Options) (*environment, error) {
	s := &environment{opt: opt, address: opt.DatabaseURL, mark: prefix + strings.ToLower(rand.Text()[:10])}
	if s.address == "" {
		server, err := startServer(ctx, opt.Log)
		if err != nil {
			return nil, err
		}
		s.server, s.address = server, server.URL
	}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, s.close(ctx))
	}
	return s, nil
}

// startServer starts a throw-away server, without the statements' counter where
// it has none.
func startServer(ctx context.Context, log *slog.Logger) (*postgres.Server, error) {
	settings := maps.Clone(safeServer)
	maps.Copy(settings, statements)
	server, err := postgres.Start(ctx, postgres.Options{Settings: settings, Log: log})
	if err == nil || ctx.Err() != nil {
		return server, err
	}
	return postgres.Start(ctx, postgres.Options{Settings: safeServer, Log: log})
}

// prepare makes the migrated database that all others are copied from.
func (s *environment) prepare(ctx context.Context) error {
	connecting, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	var err error
	if s.admin, err = pgx.Connect(connecting, s.address); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	var may bool
	err = s.admin.QueryRow(ctx, `SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user`).Scan(&may)
	if err != nil {
		return fmt.Errorf("ask what the role may: %w", err)
	}
	if !may {
		return errRole
	}
	if err := s.exec(ctx, "CREATE DATABASE "+s.mark+" TEMPLATE template0"); err != nil {
		return err
	}
	if _, err := schema.Up(ctx, s.at(s.mark), schema.Options{Destinations: []destination.Info{hubspotinfo.Info}, Written: hubspotinfo.Info}, slog.New(slog.DiscardHandler)); err != nil {
		return fmt.Errorf("migrate the database of the measurements: %w", err)
	}
	return nil
}

func (s *environment) exec(ctx context.Context, statement string) error {
	if _, err := s.admin.Exec(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

// at is the address of another database of the server, with the settings of the
// given one but for the schema, which is the other's own.
func (s *environment) at(database string) string {
	u, err := url.Parse(s.address)
	if err != nil || u.Scheme == "" {
		return s.address + " dbname=" + database + " search_path=public"
	}
	u.Path = "/" + database
	query := u.Query()
	query.Del("database")
	query.Del("dbname")
	query.Set("search_path", "public")
	u.RawQuery = query.Encode()
	return u.String()
}

// close drops all databases of this run, whoever is connected to them, and ends
// a server of our own. It does so also when ctx has ended.
func (s *environment) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	var errs []error
	if s.admin != nil {
		_ = s.admin.Close(ctx) // what ended the run may have cut it
	}
	if s.server != nil {
		return s.server.Stop()
	}
	conn, err := pgx.Connect(ctx, s.address)
	if err != nil {
		return fmt.Errorf("drop the databases %s*: %w", s.mark, err)
	}
	defer func() { _ = conn.Close(ctx) }()
	rows, err := conn.Query(ctx, `SELECT datname FROM pg_database WHERE starts_with(datname, $1)`, s.mark)
	if err != nil {
		return fmt.Errorf("drop the databases %s*: %w", s.mark, err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	errs = append(errs, err)
	for _, name := range names {
		_, err := conn.Exec(ctx, "DROP DATABASE IF EXISTS "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)")
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
