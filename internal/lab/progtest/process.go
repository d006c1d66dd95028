package progtest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Record is one line of a program's log.
type Record map[string]any

// Msg is what the line says.
func (r Record) Msg() string { s, _ := r["msg"].(string); return s }

// Time is when the line was logged.
func (r Record) Time(tb testing.TB) time.Time {
	tb.Helper()
	text, _ := r["time"].(string)
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		tb.Fatal(err)
	}
	return at
}

// Process is a started program and what it has said so far.
type Process struct {
	testing.TB
	Cmd    *exec.Cmd
	Exited chan struct{} // closed when it has ended

	mu      sync.Mutex
	lines   []string
	records []Record
	changed chan struct{}
}

// Start runs the program with the arguments; it is killed at the end of the
// test if it still runs.
func (in *Installation) Start(env []string, args ...string) *Process {
	in.Helper()
	return in.StartProgram(Binary(in.TB), env, args...)
}

// StartProgram is Start for another build of the program.
func (in *Installation) StartProgram(path string, env []string, args ...string) *Process {
	in.Helper()
	p := &Process{TB: in.TB, Exited: make(chan struct{}), changed: make(chan struct{})}
	p.Cmd = exec.CommandContext(context.WithoutCancel(in.Context()), path, args...) // it may be asked to end after the test
	p.Cmd.Env = env
	p.Cmd.Dir = in.TempDir() // no .env there
	out, err := p.Cmd.StderrPipe()
	if err != nil {
		in.Fatal(err)
	}
	if err := p.Cmd.Start(); err != nil {
		in.Fatal(err)
	}
	go p.read(out)
	in.Cleanup(func() {
		_ = p.Cmd.Process.Kill()
		<-p.Exited
		if i := slices.IndexFunc(p.Log(), isRace); i >= 0 {
			in.Errorf("the race detector says of process %d:\n%s", p.Cmd.Process.Pid, strings.Join(p.Log()[i:], "\n"))
		}
		if in.Failed() {
			in.Logf("end of the log of process %d:\n%s", p.Cmd.Process.Pid, p.Tail())
		}
	})
	return p
}

// isRace knows the line with which the race detector begins.
func isRace(line string) bool { return strings.Contains(line, "WARNING: DATA RACE") }

func (p *Process) read(out io.Reader) {
	defer close(p.Exited)
	scanner := bufio.NewScanner(out)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		var r Record
		_ = json.Unmarshal(scanner.Bytes(), &r)
		p.mu.Lock()
		p.lines = append(p.lines, scanner.Text())
		p.records = append(p.records, r)
		close(p.changed)
		p.changed = make(chan struct{})
		p.mu.Unlock()
	}
	_ = p.Cmd.Wait()
}

// Log is every line so far.
func (p *Process) Log() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.lines)
}

// Records is every line so far, read as JSON; a line that is none is empty.
func (p *Process) Records() []Record {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.records)
}

// Tail is the end of the log, for a test that failed.
func (p *Process) Tail() string {
	const most = 40
	lines := p.Log()
	return strings.Join(lines[max(0, len(lines)-most):], "\n")
}

// Is says whether the process is the instance of that name.
func (p *Process) Is(instance string) bool {
	return strings.HasSuffix(instance, fmt.Sprintf("-%d", p.Cmd.Process.Pid))
}

// Saw answers the records with the message, so far.
func (p *Process) Saw(msg string) []Record {
	p.mu.Lock()
	defer p.mu.Unlock()
	var found []Record
	for _, r := range p.records {
		if r.Msg() == msg {
			found = append(found, r)
		}
	}
	return found
}

// Wait waits until the message was logged n times and answers those records.
func (p *Process) Wait(msg string, n int) []Record {
	p.Helper()
	late := time.After(Patience)
	for {
		p.mu.Lock()
		changed := p.changed
		p.mu.Unlock()
		if found := p.Saw(msg); len(found) >= n {
			return found
		}
		select {
		case <-changed:
		case <-p.Exited:
			if found := p.Saw(msg); len(found) >= n {
				return found
			}
			p.Fatalf("the program ended without saying %q %d times:\n%s", msg, n, p.Tail())
		case <-late:
			p.Fatalf("no %q %d times in %v:\n%s", msg, n, Patience, p.Tail())
		}
	}
}

// Signal sends a signal to the program.
func (p *Process) Signal(s syscall.Signal) {
	p.Helper()
	if err := p.Cmd.Process.Signal(s); err != nil {
		p.Fatal(err)
	}
}

// Stop ends the program as a platform does and answers its exit code.
func (p *Process) Stop() int {
	p.Helper()
	p.Signal(syscall.SIGTERM)
	return p.End()
}

// Kill ends the program without a warning.
func (p *Process) Kill() {
	p.Helper()
	p.Signal(syscall.SIGKILL)
	<-p.Exited
}

// End waits until the program has ended and answers its exit code.
func (p *Process) End() int {
	p.Helper()
	select {
	case <-p.Exited:
	case <-time.After(Patience):
		p.Fatalf("the program does not end:\n%s", p.Tail())
	}
	return p.Cmd.ProcessState.ExitCode()
}
