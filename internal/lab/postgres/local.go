//go:build unix

package postgres

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

//go:embed supervise.sh
var superviseScript string

// attempts is how many free ports are tried: another program may take a port
// between our looking for it and the server's binding it.
const attempts = 3

// startLocal runs the machine's own PostgreSQL programs.
func startLocal(ctx context.Context, opts Options, password string) (*Server, error) {
	programs, err := findPrograms(ctx)
	if err != nil {
		return nil, err
	}
	return startPrograms(ctx, opts, programs, password)
}

// startPrograms runs the PostgreSQL programs of a folder.
func startPrograms(ctx context.Context, opts Options, programs, password string) (*Server, error) {
	owner, err := serverOwner()
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		server, err := tryPrograms(ctx, opts, programs, owner, password)
		if err == nil || attempt == attempts || ctx.Err() != nil {
			return server, err
		}
	}
}

func tryPrograms(ctx context.Context, opts Options, programs string, owner *account, password string) (*Server, error) {
	dir, err := os.MkdirTemp("", "contactsync-postgres-")
	if err != nil {
		return nil, err
	}
	supervised := false
	defer func() {
		if !supervised {
			_ = os.RemoveAll(dir)
		}
	}()
	if err := createCluster(ctx, programs, dir, owner, password); err != nil {
		return nil, err
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	args := slices.Concat([]string{"env"}, opts.Env, []string{
		filepath.Join(programs, "postgres"), "-D", filepath.Join(dir, "data"), "-p", port,
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
	}, opts.flags())
	sup, err := supervise(ctx, dir, owner, args)
	if err != nil {
		return nil, err
	}
	supervised = true

	ready, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	url := serverURL("127.0.0.1", port, password)
	if err := waitReady(ready, url, sup.ended); err != nil {
		return nil, errors.Join(err, sup.stop(), errors.New(sup.logTail()))
	}
	if err := sup.log.Close(); err != nil {
		return nil, errors.Join(err, sup.stop())
	}
	h := halter{dir: dir}
	return &Server{
		URL: url, Info: programs, Data: h.path("data"),
		stop: sup.stop, halt: h.halt, resume: h.resume,
	}, nil
}

// createCluster makes dir the owner's and puts an initialized data folder
// into it.
func createCluster(ctx context.Context, programs, dir string, owner *account, password string) error {
	passwordFile := filepath.Join(dir, "password")
	if err := os.WriteFile(passwordFile, []byte(password), 0o600); err != nil {
		return err
	}
	if err := owner.own(dir, passwordFile); err != nil {
		return err
	}
	initdb := exec.CommandContext(ctx, filepath.Join(programs, "initdb"),
		"--pgdata="+filepath.Join(dir, "data"), "--username=postgres", "--pwfile="+passwordFile,
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync")
	initdb.Dir = dir
	initdb.SysProcAttr = owner.process()
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

func freePort(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, errors.Join(err, listener.Close())
}

// supervisor is the shell that outlives this process just long enough to end
// the server.
type supervisor struct {
	hold  io.Closer // closing it is the signal to stop
	log   *os.File  // the server's log; readable even when its name is gone
	ended chan struct{}
	kill  func() error
}

func supervise(ctx context.Context, dir string, owner *account, server []string) (*supervisor, error) {
	logFile, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	// The server outlives the context, which bounds the start alone.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "/bin/sh",
		append([]string{"-c", superviseScript, "supervise", dir}, server...)...)
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = logFile, logFile
	cmd.SysProcAttr = owner.process()
	hold, err := cmd.StdinPipe()
	if err != nil {
		return nil, errors.Join(err, logFile.Close())
	}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start the server's supervisor: %w", err), logFile.Close())
	}
	s := &supervisor{hold: hold, log: logFile, ended: make(chan struct{}), kill: cmd.Process.Kill}
	go func() {
		defer close(s.ended)
		_ = cmd.Wait() // its exit code says nothing; the log does
	}()
	return s, nil
}

func (s *supervisor) stop() error {
	_ = s.hold.Close() // already closed when the supervisor ended by itself
	select {
	case <-s.ended:
		return nil
	case <-time.After(stopMost):
		return errors.Join(fmt.Errorf("the server did not stop within %v", stopMost), s.kill())
	}
}

// logTail returns the end of the server's log and closes it.
func (s *supervisor) logTail() string {
	const size = 4096
	defer func() { _ = s.log.Close() }()
	end, err := s.log.Seek(0, io.SeekEnd)
	if err != nil {
		return ""
	}
	tail := make([]byte, min(end, size))
	n, _ := s.log.ReadAt(tail, end-int64(len(tail))) // the log is for people: what could be read will do
	return strings.TrimSpace(string(tail[:n]))
}
