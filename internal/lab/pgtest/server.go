package pgtest

import (
	"context"
	secret "crypto/rand"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/lab/postgres"
	"github.com/scrapersky/contactsync/internal/schema"
)

// server is where this process's test databases live.
type server struct {
	url   string
	using string // for people
	tell  sync.Once
	stop  func() error

	mark     uint32    // in the name of each database of this process
	password string    // of the worker's role; nothing else looks like it, so that a test can look for it
	keeper   *pgx.Conn // holds the mark's lock; nil for a server of our own
	template func(ctx context.Context) error
	count    atomic.Int64
}

// shared starts the process's server when it is first called. It is a global
// because one server a process is the point.
var shared = sync.OnceValues(start)

func start() (*server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	running.Store(true)
	s := &server{mark: rand.Uint32(), password: secret.Text(), stop: func() error { return nil }}
	if s.url = os.Getenv("TEST_DATABASE_URL"); s.url != "" {
		s.using = "TEST_DATABASE_URL"
		if err := s.keep(ctx); err != nil {
			return nil, fmt.Errorf("TEST_DATABASE_URL: %w", err)
		}
	} else {
		own, err := postgres.Start(ctx, postgres.Options{
			Kind: postgres.Kind(os.Getenv("CONTACTSYNC_TEST_POSTGRES")), Runner: container,
		})
		if err != nil {
			return nil, err
		}
		s.url, s.stop, s.using = own.URL, own.Stop, fmt.Sprintf("%s, %s", own.Kind, own.Info)
	}
	s.template = once(s.migrateTemplate)
	return s, nil
}

// once is sync.OnceValue for what takes a context: the first caller's.
func once(do func(context.Context) error) func(context.Context) error {
	var first sync.Once
	var err error
	return func(ctx context.Context) error {
		first.Do(func() { err = do(ctx) })
		return err
	}
}

func (s *server) migrateTemplate(ctx context.Context) error {
	// Every test of the process needs it: it outlives the one that came first.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), Patience)
	defer cancel()
	if err := s.exec(ctx, "CREATE DATABASE "+s.name(0)); err != nil {
		return err
	}
	if _, err := schema.Up(ctx, s.at(s.name(0)), Options(), slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	return s.grantTemplate(ctx)
}

// create makes a database: a copy of the migrated template, or an empty one.
func (s *server) create(ctx context.Context, migrated bool) (dbURL string, drop func(context.Context) error, err error) {
	template := "template0"
	if migrated {
		if err := s.template(ctx); err != nil {
			return "", nil, fmt.Errorf("migrate the template: %w", err)
		}
		template = s.name(0)
	}
	name := s.name(s.count.Add(1))
	if err := s.exec(ctx, "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		return "", nil, err
	}
	return s.at(name), func(ctx context.Context) error {
		return s.exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
	}, nil
}

func (s *server) name(n int64) string { return fmt.Sprintf("cstest_%d_%d", s.mark, n) }

// at is the server's URL with another database.
func (s *server) at(database string) string { return withDatabase(s.url, database) }

func withDatabase(address, database string) string {
	u, err := url.Parse(address)
	if err != nil {
		panic("pgtest: the URL was good enough to connect with: " + err.Error())
	}
	u.Path = "/" + database
	return u.String()
}

func (s *server) exec(ctx context.Context, statement string) error {
	return run(ctx, s.url, statement)
}
