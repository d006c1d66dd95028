package postgres_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/postgres"
)

// Two processes that need a server at the same time download the programs once,
// and so does every later one.
func TestEmbedded(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	repository := serveBinaries(t, binaries(t))
	cache := worldTemp(t)
	var said said
	start := func() *postgres.Server {
		server, err := postgres.Start(t.Context(), postgres.Options{
			Kind: postgres.Embedded, BinariesURL: repository.URL + "/", Cache: cache, Tell: said.note,
		})
		if err != nil {
			t.Error(err)
			return nil
		}
		t.Cleanup(func() {
			if err := server.Stop(); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(server.Data); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the data outlived Stop: %v", err)
			}
		})
		return server
	}
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() { start() })
	}
	both.Wait()
	server := start()
	if server == nil {
		t.FailNow()
	}
	if n := repository.served(".jar"); n != 1 {
		t.Errorf("the programs were downloaded %d times, want once", n)
	}
	if text := said.text(); strings.Count(text, "Downloading") != 1 || !strings.Contains(text, repository.URL) || !strings.Contains(text, cache) {
		t.Errorf("people were told %q, want one download from %s into %s", text, repository.URL, cache)
	}
	if server.Kind != postgres.Embedded {
		t.Errorf("the server is %q, want %q", server.Kind, postgres.Embedded)
	}
	downloaded, err := filepath.EvalSymlinks(cache)
	if err != nil {
		t.Fatal(err)
	}
	if dir := setting(t, server.URL, "BINDIR"); !strings.HasPrefix(dir, downloaded) {
		t.Errorf("the server's program is in %s, want it in %s", dir, downloaded)
	}
	onlyPrograms(t, cache)
	if err := server.Halt(t.Context(), postgres.Immediate); err != nil {
		t.Fatal(err)
	}
	if err := server.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	execute(t, server.URL, "DO $$ BEGIN ASSERT to_tsvector('english', 'contacts') = to_tsvector('english', 'contact'); END $$") // with its libraries
}

// What was not downloaded whole, or is not what it should be, leaves nothing and
// is no server.
func TestEmbeddedRefuses(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	jar := binaries(t)
	tests := []struct {
		name   string
		jar    []byte
		change func(*repository)
		want   string
	}{
		{"another checksum", jar, func(r *repository) { r.checksum = strings.Repeat("0", 64) }, "checksum"},
		{"half of it", jar[:len(jar)/2], nil, "zip"},
		{"no such version", nil, nil, "no version found"},
		{"not PostgreSQL", archiveOf(t, map[string]string{"bin/pg_ctl": "#!/bin/sh\n", "bin/postgres": "#!/bin/sh\necho hello\n", "bin/initdb": "#!/bin/sh\n"}), nil, "do not run"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			repository := serveBinaries(t, test.jar)
			if test.change != nil {
				test.change(repository)
			}
			cache := worldTemp(t)
			_, err := postgres.Start(t.Context(), postgres.Options{Kind: postgres.Embedded, BinariesURL: repository.URL, Cache: cache})
			if _, ok := errors.AsType[*postgres.UnavailableError](err); !ok {
				t.Fatalf("got %v, want an UnavailableError", err)
			}
			for _, want := range []string{test.want, repository.URL, postgres.BinariesURLVariable} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q: %v", want, err)
				}
			}
			onlyPrograms(t, cache)
		})
	}
}

// Who gives up need not wait for a repository that never answers.
func TestEmbeddedGivesUp(t *testing.T) {
	t.Parallel()
	ctx, giveUp := context.WithCancel(t.Context())
	defer giveUp()
	over := make(chan struct{})
	repository := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		giveUp()
		<-over
	}))
	t.Cleanup(func() {
		close(over)
		repository.Close()
	})
	_, err := postgres.Start(ctx, postgres.Options{Kind: postgres.Embedded, BinariesURL: repository.URL, Cache: worldTemp(t)})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was cancelled", err)
	}
}

// The environment says where the programs are.
func TestBinariesURLOfTheEnvironment(t *testing.T) {
	repository := serveBinaries(t, nil)
	t.Setenv(postgres.BinariesURLVariable, repository.URL)
	_, err := postgres.Start(t.Context(), postgres.Options{Kind: postgres.Embedded, Cache: worldTemp(t)})
	if err == nil || repository.served(".jar") != 1 {
		t.Errorf("the repository of the environment was asked %d times: %v", repository.served(".jar"), err)
	}
}

// onlyPrograms fails if a cache holds anything else than one folder of programs
// and its lock.
func onlyPrograms(t *testing.T, cache string) {
	t.Helper()
	entries, err := os.ReadDir(cache)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if name := entry.Name(); name != "lock" && !strings.HasPrefix(name, "postgresql-") {
			t.Errorf("%s was left in the cache", name)
		}
	}
}

func setting(t *testing.T, url, name string) (value string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if err := conn.QueryRow(t.Context(), "SELECT setting FROM pg_config WHERE name = $1", name).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

// said is what people were told.
type said struct {
	mu    sync.Mutex
	lines []string
}

func (s *said) note(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, line)
}

func (s *said) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, "\n")
}
