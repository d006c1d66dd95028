package faults

import (
	"bufio"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// pgbouncer runs PgBouncer in front of the database of a URL and answers the URL
// through it. It ends with the test.
func pgbouncer(t *testing.T, databaseURL, mode string, servers int) (through string) {
	t.Helper()
	program := needs.Program(t, needs.PgBouncer)
	target, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	config := filepath.Join(t.TempDir(), "pgbouncer.ini")
	if err := os.WriteFile(config, fmt.Appendf(nil, `
[databases]
app = host=%s port=%d dbname=%s user=%s password=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %s
unix_socket_dir =
auth_type = any
pool_mode = %s
default_pool_size = %d
`, target.Host, target.Port, target.Database, target.User, target.Password, port, mode, servers), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{config}
	if os.Geteuid() == 0 { // it refuses to be root
		args = append(args, "--user=postgres")
	}
	cmd := exec.Command(program, args...)
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	up := make(chan bool, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if strings.Contains(lines.Text(), "process up") {
				up <- true
			}
		}
		_ = cmd.Wait() // it was told to end
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGKILL)
		<-ended
	})
	select {
	case <-up:
	case <-ended:
		t.Fatal("PgBouncer does not start")
	case <-time.After(progtest.Patience):
		t.Fatal("PgBouncer does not say that it is up")
	}
	return (&url.URL{Scheme: "postgres", User: url.User("anybody"), Host: "127.0.0.1:" + port, Path: "/app", RawQuery: "sslmode=disable"}).String()
}

// freePort is one that was free a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }() // it has done its duty
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// TestPgBouncerInTransactionMode: the program says what to do, and does its work
// once that was done. An app may well stay behind the pooler.
func TestPgBouncerInTransactionMode(t *testing.T) {
	t.Parallel()
	for _, servers := range []int{1, 20} {
		t.Run(fmt.Sprint(servers, " server connections"), func(t *testing.T) {
			t.Parallel()
			in := progtest.Install(t)
			pooled := pgbouncer(t, in.Worker, "transaction", servers)
			_, errs, code := in.Command(in.Env("DATABASE_URL="+pooled), "run")
			if code != 1 || !strings.Contains(errs, "DATABASE_DIRECT_URL") {
				t.Errorf("exit code %d, want 1 and the remedy:\n%s", code, errs)
			}
			leader := startReplica(in, "DATABASE_URL="+pooled, "DATABASE_DIRECT_URL="+in.Worker)
			leader.Wait("notifications arrive", 1)
			in.AwaitAsleep()
			app, err := pgx.Connect(t.Context(), pgbouncer(t, in.URL, "transaction", servers)+"&default_query_exec_mode=simple_protocol")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = app.Close(t.Context()) })
			began := time.Now()
			if _, err := app.Exec(t.Context(), `INSERT INTO contacts (email, hubspot_processing_status) VALUES ('pooled@example.org', 'Queued')`); err != nil {
				t.Fatal(err)
			}
			awaitComplete(in, "pooled@example.org")
			t.Logf("queued through the pooler, synced after %v", time.Since(began).Round(time.Millisecond))
		})
	}
}

// TestPgBouncerInSessionMode needs no other way to the database.
func TestPgBouncerInSessionMode(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	pooled := pgbouncer(t, in.Worker, "session", 20)
	leader, follower := pair(in, "DATABASE_URL="+pooled)
	began := time.Now()
	awaitComplete(in, queue(in, "pooled"))
	t.Logf("synced after %v", time.Since(began).Round(time.Millisecond))
	killed := time.Now()
	leader.Kill()
	t.Logf("the next one leads %v after a kill", since(t, killed, follower.Wait("leading", 1)[0]).Round(time.Millisecond))
	awaitComplete(in, queue(in, "later"))
}
