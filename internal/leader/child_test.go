package leader

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/database"
	"github.com/scrapersky/contactsync/internal/destination/hubspot"
)

// A test that kills or freezes a leader needs it in a process of its own: the
// test binary, started again with these variables.
const (
	childEnv     = "CONTACTSYNC_TEST_CHILD"     // the database URL
	childNameEnv = "CONTACTSYNC_TEST_CHILDNAME" // its name
	childHTTPEnv = "CONTACTSYNC_TEST_CHILDHTTP" // where it sends requests while it leads
)

// child runs until SIGTERM. While it leads it sends a request every few
// milliseconds, held back by the lease alone, as a consumer does that has claimed
// a batch. It says on stdout when it begins to lead, when lead's context has
// ended, and when lead has returned.
func child() int {
	name := os.Getenv(childNameEnv)
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	cfg := Config{
		Connect: func(ctx context.Context) (*pgx.Conn, error) {
			return database.Connect(ctx, os.Getenv(childEnv), name)
		},
		Destination: hubspot.Info, Slots: 1, Instance: name,
		Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), timing: quick(),
	}
	err := Run(stop, stop, cfg, func(ctx context.Context, s *Session) error {
		fmt.Println("leads")
		client := &http.Client{Transport: Transport(&http.Transport{}, s.Fresh)}
		defer client.CloseIdleConnections()
		pace := time.NewTicker(50 * time.Millisecond)
		defer pace.Stop()
		for ctx.Err() == nil {
			post(client, name)
			<-pace.C
		}
		fmt.Println("lost")
		post(client, name) // in spite of it
		return context.Cause(ctx)
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// post takes no part in cancellation: only the lease can hold it back.
func post(client *http.Client, name string) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, os.Getenv(childHTTPEnv), strings.NewReader(name))
	if err != nil {
		panic(err)
	}
	if res, err := client.Do(req); err == nil {
		_ = res.Body.Close()
	}
}

// process is a child.
type process struct {
	cmd   *exec.Cmd
	lines chan string
}

// start starts a child and kills it at the end of the test.
func start(t *testing.T, url, name, endpoint string) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+url, childNameEnv+"="+name, childHTTPEnv+"="+endpoint)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd, lines: make(chan string, 100)}
	var wg sync.WaitGroup
	wg.Go(func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			p.lines <- lines.Text()
		}
	})
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		wg.Wait()
		_ = cmd.Wait()
	})
	return p
}

func (p *process) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

func (p *process) says(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-p.lines:
		if got != want {
			t.Fatalf("the process says %q, want %q", got, want)
		}
	case <-time.After(patience):
		t.Fatalf("the process does not say %q", want)
	}
}
