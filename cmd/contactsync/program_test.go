package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/hubspotsim"
	"github.com/scrapersky/contactsync/internal/pgtest"
)

func TestMain(m *testing.M) {
	code := pgtest.Main(m)
	if built := builtProgram.path; built != "" {
		_ = os.RemoveAll(filepath.Dir(built))
	}
	os.Exit(code)
}

// patience bounds the wait for what must happen; no test measures with it.
const patience = 60 * time.Second

const goodKey = "pat-eu1-good-key"

var builtProgram struct {
	once sync.Once
	path string
	err  error
}

// binary builds the binary once for all tests of this package.
func binary(tb testing.TB) string {
	tb.Helper()
	builtProgram.once.Do(func() {
		dir, err := os.MkdirTemp("", "contactsync-test") //nolint:usetesting // it outlives the test that comes first
		if err != nil {
			builtProgram.err = err
			return
		}
		builtProgram.path = filepath.Join(dir, "contactsync")
		out, err := exec.Command("go", "build", "-o", builtProgram.path, ".").CombinedOutput()
		if err != nil {
			builtProgram.err = fmt.Errorf("%w: %s", err, out)
		}
	})
	if builtProgram.err != nil {
		tb.Fatal("build the program: ", builtProgram.err)
	}
	return builtProgram.path
}

// installation is a migrated database, a HubSpot and the programs between them.
type installation struct {
	testing.TB
	url string
	app *pgx.Conn
	sim *hubspotsim.Sim
	api string
}

func install(t *testing.T) *installation {
	t.Helper()
	sim := hubspotsim.New(hubspotsim.Options{Token: goodKey})
	server := httptest.NewServer(sim)
	t.Cleanup(func() {
		sim.ClearFaults() // lets go of what hangs
		server.Close()
	})
	in := &installation{TB: t, url: pgtest.New(t), sim: sim, api: server.URL}
	in.app = in.connect()
	return in
}

// connect opens a connection as any app would.
func (in *installation) connect() *pgx.Conn {
	in.Helper()
	conn, err := pgx.Connect(in.Context(), in.url)
	if err != nil {
		in.Fatal(err)
	}
	in.Cleanup(func() { _ = conn.Close(context.WithoutCancel(in.Context())) })
	return conn
}

func (in *installation) exec(sql string, args ...any) {
	in.Helper()
	if _, err := in.app.Exec(in.Context(), sql, args...); err != nil {
		in.Fatalf("%s: %v", sql, err)
	}
}

// ask answers the one text that a query selects.
func (in *installation) ask(sql string, args ...any) string {
	in.Helper()
	var answer *string
	if err := in.app.QueryRow(in.Context(), sql, args...).Scan(&answer); err != nil {
		in.Fatalf("%s: %v", sql, err)
	}
	if answer == nil {
		return "NULL"
	}
	return *answer
}

// await asks until the answer is the wanted one.
func (in *installation) await(want, sql string) {
	in.Helper()
	in.awaitFor(patience, want, sql)
}

func (in *installation) awaitFor(most time.Duration, want, sql string) {
	in.Helper()
	end := time.Now().Add(most)
	for {
		got := in.ask(sql)
		if got == want {
			return
		}
		if time.Now().After(end) {
			in.Fatalf("%s: %q, want %q", sql, got, want)
		}
		// The database cannot be subscribed to from here without changing it.
		select {
		case <-time.After(10 * time.Millisecond):
		case <-in.Context().Done():
			in.Fatal(in.Context().Err())
		}
	}
}

// queue inserts n contacts that are to be synced, in one commit.
func (in *installation) queue(n int) {
	in.Helper()
	in.exec(`INSERT INTO contacts (email, name, hubspot_sync_status, hubspot_processing_status)
		SELECT 'c' || i || '@example.org', 'Name ' || i, 'Queued', 'Queued' FROM generate_series(1, $1::int) i`, n)
}

// env is what a program needs; more settings are added, or win.
func (in *installation) env(more ...string) []string {
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"),
		"DATABASE_URL=" + in.url, "HUBSPOT_API_KEY=" + goodKey, "HUBSPOT_API_BASE_URL=" + in.api,
		"HTTP_ADDR=127.0.0.1:0", "LOG_FORMAT=json", "HUBSPOT_SYNC_SCHEDULER_INTERVAL_MINUTES=60",
	}
	return append(env, more...)
}

// record is one line of a program's log.
type record map[string]any

func (r record) msg() string { s, _ := r["msg"].(string); return s }

// time is when the line was logged.
func (r record) time(t *testing.T) time.Time {
	t.Helper()
	text, _ := r["time"].(string)
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// process is a started program and what it has said so far.
type process struct {
	testing.TB
	cmd    *exec.Cmd
	exited chan struct{}

	mu      sync.Mutex
	lines   []string
	records []record
	changed chan struct{}
}

// start runs the program with the arguments; it is killed at the end of the
// test if it still runs.
func (in *installation) start(env []string, args ...string) *process {
	in.Helper()
	p := &process{TB: in.TB, exited: make(chan struct{}), changed: make(chan struct{})}
	p.cmd = exec.Command(binary(in.TB), args...)
	p.cmd.Env = env
	p.cmd.Dir = in.TempDir() // no .env there
	out, err := p.cmd.StderrPipe()
	if err != nil {
		in.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		in.Fatal(err)
	}
	go p.read(out)
	in.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.exited
		if in.Failed() {
			in.Logf("end of the log of process %d:\n%s", p.cmd.Process.Pid, p.tail())
		}
	})
	return p
}

func (p *process) read(out io.Reader) {
	defer close(p.exited)
	scanner := bufio.NewScanner(out)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		var r record
		_ = json.Unmarshal(scanner.Bytes(), &r)
		p.mu.Lock()
		p.lines = append(p.lines, scanner.Text())
		p.records = append(p.records, r)
		close(p.changed)
		p.changed = make(chan struct{})
		p.mu.Unlock()
	}
	_ = p.cmd.Wait()
}

func (p *process) log() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.lines)
}

// is says whether the process is the instance of that name.
func (p *process) is(instance string) bool {
	return strings.HasSuffix(instance, fmt.Sprintf("-%d", p.cmd.Process.Pid))
}

// tail is the end of the log, for a test that failed.
func (p *process) tail() string {
	const most = 40
	lines := p.log()
	return strings.Join(lines[max(0, len(lines)-most):], "\n")
}

// saw answers the records with the message, so far.
func (p *process) saw(msg string) []record {
	p.mu.Lock()
	defer p.mu.Unlock()
	var found []record
	for _, r := range p.records {
		if r.msg() == msg {
			found = append(found, r)
		}
	}
	return found
}

// wait waits until the message was logged n times and answers those records.
func (p *process) wait(msg string, n int) []record {
	p.Helper()
	late := time.After(patience)
	for {
		p.mu.Lock()
		changed := p.changed
		p.mu.Unlock()
		if found := p.saw(msg); len(found) >= n {
			return found
		}
		select {
		case <-changed:
		case <-p.exited:
			if found := p.saw(msg); len(found) >= n {
				return found
			}
			p.Fatalf("the program ended without saying %q %d times:\n%s", msg, n, p.tail())
		case <-late:
			p.Fatalf("no %q %d times in %v:\n%s", msg, n, patience, p.tail())
		}
	}
}

// stop ends the program as a platform does and answers its exit code.
func (p *process) stop() int {
	p.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.Fatal(err)
	}
	return p.end()
}

// kill ends the program without a warning.
func (p *process) kill() {
	p.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.Fatal(err)
	}
	<-p.exited
}

func (p *process) end() int {
	p.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.Fatalf("the program does not end:\n%s", p.tail())
	}
	return p.cmd.ProcessState.ExitCode()
}

// command runs the program to its end.
func (in *installation) command(env []string, args ...string) (stdout, stderr string, code int) {
	in.Helper()
	return in.commandIn(env, "", args...)
}

func (in *installation) commandIn(env []string, stdin string, args ...string) (stdout, stderr string, code int) {
	in.Helper()
	ctx, cancel := context.WithTimeout(in.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary(in.TB), args...)
	cmd.Env = env
	cmd.Dir = in.TempDir()
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if cmd.ProcessState == nil {
		in.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}
