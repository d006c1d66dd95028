package progtest

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/process"
)

// TimeOf is when a line was logged.
func TimeOf(tb testing.TB, r process.Record) time.Time {
	tb.Helper()
	at := r.Time()
	if at.IsZero() {
		tb.Fatalf("the line says no time: %v", r)
	}
	return at
}

// Process is a started program and what it has said so far.
type Process struct {
	testing.TB
	Cmd    *exec.Cmd
	Exited chan struct{} // closed when it has ended

	log *process.Log
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
	p := &Process{TB: in.TB, Exited: make(chan struct{}), log: process.NewLog(0)}
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
	go func() {
		defer close(p.Exited)
		p.log.Follow(out, nil)
		_ = p.Cmd.Wait()
	}()
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

// Log is every line so far.
func (p *Process) Log() []string { return p.log.Lines() }

// Records is every line so far, read as JSON; a line that is none is empty.
func (p *Process) Records() []process.Record { return p.log.Records() }

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

// Saw returns the records with the message, so far.
func (p *Process) Saw(msg string) []process.Record { return p.log.Saw(msg) }

// Wait waits until the message was logged n times and returns those records.
func (p *Process) Wait(msg string, n int) []process.Record {
	p.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.Context()), Patience)
	defer cancel()
	found, err := p.log.Wait(ctx, msg, n)
	if err != nil {
		p.Fatalf("%v:\n%s", err, p.Tail())
	}
	return found
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
