// Package process runs the program as child processes that do not outlive
// it, and follows what they log. The demo and the benchmark both show what the
// program does, which only the program itself can.
package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
)

// keepLines bounds how many lines with the same message are kept for Wait.
const keepLines = 100

// Options says which replica to start.
type Options struct {
	Program string   // the contactsync binary
	Env     []string // NAME=VALUE, beside PATH and HOME; the log must be JSON

	// Tell is called with every line of the log, in order; nil for nobody.
	Tell func(Record)

	// LogFile takes the log as it is: nothing is read, told or waited for then,
	// which spares the machine the reading.
	LogFile *os.File

	// Within runs the replica in this process instead, until ctx ends, so that a
	// profile of this process shows it; nil starts the program.
	Within func(ctx context.Context, env []string, log io.Writer) error
}

// Process is a replica that was started. It is safe for concurrent use.
type Process struct {
	body
	log  *Log
	gone chan struct{} // closed when it has ended

	mu     sync.Mutex
	killed bool
	err    error // how it ended, once gone is closed
}

// body is what runs: a process, or a part of this one.
type body struct {
	pid       int
	terminate func() error
	kill      func() error
	wait      func() error // for the end, once the log has ended
}

// Start starts a replica in the folder for temporary files, where no .env is.
func Start(opt Options) (*Process, error) {
	p := &Process{gone: make(chan struct{}), log: NewLog(keepLines)}
	begin := startProcess
	if opt.Within != nil {
		begin = startWithin
	}
	var log io.Reader
	var err error
	if p.body, log, err = begin(opt); err != nil {
		return nil, fmt.Errorf("start a replica: %w", err)
	}
	go p.attend(log, opt.Tell)
	return p, nil
}

func startProcess(opt Options) (body, io.Reader, error) {
	cmd := exec.Command(opt.Program, "run") //nolint:noctx // it is stopped in order, by a signal
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, opt.Env...)
	cmd.Dir = os.TempDir()
	dieWithParent(cmd)
	var log io.Reader = eof{}
	if opt.LogFile != nil {
		cmd.Stderr = opt.LogFile
	} else {
		pipe, err := cmd.StderrPipe()
		if err != nil {
			return body{}, nil, err
		}
		log = pipe
	}
	if err := cmd.Start(); err != nil {
		return body{}, nil, err
	}
	return body{
		pid:       cmd.Process.Pid,
		terminate: func() error { return cmd.Process.Signal(syscall.SIGTERM) },
		kill:      cmd.Process.Kill,
		wait:      cmd.Wait,
	}, log, nil
}

// startWithin cannot kill: both ways to end it are the same there.
func startWithin(opt Options) (body, io.Reader, error) {
	ctx, end := context.WithCancel(context.Background())
	var log io.Reader = eof{}
	var out io.Writer = opt.LogFile
	said := func() {}
	if opt.LogFile == nil {
		reader, writer := io.Pipe()
		log, out, said = reader, writer, func() { _ = writer.Close() }
	}
	ended := make(chan error, 1)
	go func() {
		defer said()
		ended <- opt.Within(ctx, opt.Env, out)
	}()
	stop := func() error { end(); return nil }
	return body{pid: os.Getpid(), terminate: stop, kill: stop, wait: func() error { return <-ended }}, log, nil
}

// eof is a log of which nothing is read.
type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }

// attend follows the log to its end.
func (p *Process) attend(log io.Reader, tell func(Record)) {
	defer close(p.gone)
	p.log.Follow(log, tell)
	err := p.wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil && !p.killed {
		p.err = fmt.Errorf("replica %d: %w; it last said: %s", p.Pid(), err, p.log.Last())
	}
}

// Pid is the number of the process.
func (p *Process) Pid() int { return p.pid }

// Wait waits until the message was logged and returns the first record of it. It
// fails when the replica ends before.
func (p *Process) Wait(ctx context.Context, msg string) (Record, error) {
	found, err := p.log.Wait(ctx, msg, 1)
	if err != nil {
		return nil, fmt.Errorf("replica %d: %w; it last said: %s", p.Pid(), err, p.log.Last())
	}
	return found[0], nil
}

// Saw returns the records of a message so far.
func (p *Process) Saw(msg string) []Record { return p.log.Saw(msg) }

// Kill ends the replica without a warning and waits until it is gone.
func (p *Process) Kill(ctx context.Context) error {
	p.mu.Lock()
	p.killed = true
	err := p.kill()
	p.mu.Unlock()
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill replica %d: %w", p.Pid(), err)
	}
	return p.End(ctx)
}

// Terminate asks the replica to stop, in an orderly way. One that has ended
// already is no error.
func (p *Process) Terminate() error {
	if err := p.terminate(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop replica %d: %w", p.Pid(), err)
	}
	return nil
}

// End waits until the replica has ended, and fails if it failed. One that was
// killed did not.
func (p *Process) End(ctx context.Context) error {
	select {
	case <-p.gone:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}
