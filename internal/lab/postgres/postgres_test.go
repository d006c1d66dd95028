package postgres_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/postgres"
)

// holdEnv makes the test binary start a server, print its URL and wait to be
// killed.
const holdEnv = "THROWAWAY_TEST_HOLD"

func TestMain(m *testing.M) {
	if os.Getenv(holdEnv) == "" {
		os.Exit(m.Run())
	}
	server, err := postgres.Start(context.Background(), postgres.Options{Kind: wanted()})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(server.URL)
	select {}
}

func wanted() postgres.Kind {
	return postgres.Kind(os.Getenv("CONTACTSYNC_TEST_POSTGRES"))
}

func TestServer(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	server, err := postgres.Start(t.Context(), postgres.Options{
		Kind:     wanted(),
		Settings: map[string]string{"max_connections": "37"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	t.Logf("%s: %s", server.Kind, server.Info)

	conn, err := pgx.Connect(t.Context(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	var connections, fsync string
	err = conn.QueryRow(t.Context(), "SELECT current_setting('max_connections'), current_setting('fsync')").Scan(&connections, &fsync)
	if err != nil || connections != "37" || fsync != "off" {
		t.Errorf("max_connections %s, fsync %s, error %v; want 37, off", connections, fsync, err)
	}
	if err := server.Stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if err := server.Stop(); err != nil {
		t.Errorf("second stop: %v", err)
	}
	if err := conn.Ping(t.Context()); err == nil {
		t.Error("the server still answers after Stop")
	}
}

// A server that was halted comes back on the same port with what was committed.
func TestHaltAndResume(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	server, err := postgres.Start(t.Context(), postgres.Options{
		Kind: postgres.Local, Settings: map[string]string{"synchronous_commit": "on"},
	})
	if errors.Is(err, postgres.ErrNoPrograms) {
		needs.Missing(t, "postgres", needs.Psql.Install)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(server.Data); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the data outlived Stop: %v", err)
		}
	})
	execute(t, server.URL, "CREATE TABLE kept (n int)")
	for _, mode := range []postgres.Mode{postgres.Fast, postgres.Immediate} {
		execute(t, server.URL, "INSERT INTO kept VALUES (1)")
		if err := server.Halt(t.Context(), mode); err != nil {
			t.Fatal(err)
		}
		if _, err := pgx.Connect(t.Context(), server.URL); err == nil {
			t.Errorf("%s: the server answers while it is halted", mode)
		}
		if err := server.Resume(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	execute(t, server.URL, "DO $$ BEGIN ASSERT (SELECT count(*) = 2 FROM kept), 'rows are missing'; END $$")
	if err := server.Halt(t.Context(), "smart"); err == nil {
		t.Error("a mode that does not exist is taken")
	}
	if err := server.Halt(t.Context(), postgres.Fast); err != nil { // Stop must end one that is down, too
		t.Fatal(err)
	}
}

func execute(t *testing.T, url, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Errorf("%s: %v", sql, err)
	}
}

func TestServerEndsWithItsOwner(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	owner := exec.CommandContext(t.Context(), os.Args[0])
	owner.Env = append(os.Environ(), holdEnv+"=1", "TMPDIR="+worldTemp(t))
	out, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatalf("the owner printed nothing: %v", owner.Wait())
	}
	address, err := url.Parse(lines.Text())
	if err != nil || address.Host == "" {
		t.Fatalf("the owner printed %q", lines.Text())
	}
	if err := ping(t, address.Host); err != nil {
		t.Fatalf("before the kill: %v", err)
	}
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait() // killed, as it should be

	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for ping(t, address.Host) == nil || !empty(t, owner.Env) {
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal("the server outlived its killed owner")
		}
	}
}

// worldTemp is a folder that the server's own account may use, too.
func worldTemp(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "throwaway-test-") //nolint:usetesting // T.TempDir's parent is closed to that account
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, os.ModeSticky|0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

// empty says whether the owner's temporary folder holds nothing any more.
func empty(t *testing.T, env []string) bool {
	t.Helper()
	dir := env[len(env)-1][len("TMPDIR="):]
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(entries) == 0
}

func ping(t *testing.T, address string) error {
	t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}

func TestNoSuchKind(t *testing.T) {
	t.Parallel()
	_, err := postgres.Start(t.Context(), postgres.Options{Kind: "mainframe"})
	if _, ok := errors.AsType[*postgres.UnavailableError](err); !ok {
		t.Errorf("got %v, want an UnavailableError", err)
	}
}
