//go:build unix

package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// halter halts the server that supervise.sh runs in a folder; see there.
type halter struct{ dir string }

func (h halter) halt(ctx context.Context, mode Mode) error {
	signals := map[Mode]syscall.Signal{Fast: syscall.SIGINT, Immediate: syscall.SIGQUIT}
	signal, ok := signals[mode]
	if !ok {
		return fmt.Errorf("no such mode: want %q or %q", Fast, Immediate)
	}
	pid, err := h.pid()
	if err != nil {
		return err
	}
	if err := os.WriteFile(h.path("halted"), nil, 0o600); err != nil {
		return err
	}
	if err := syscall.Kill(pid, signal); err != nil {
		return fmt.Errorf("signal server process %d: %w", pid, err)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		_, err := os.Stat(h.path("down"))
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// resume lets the supervisor start the server again.
func (h halter) resume() error { return os.Remove(h.path("halted")) }

// pid is the server's process; it writes it into the first line of a file.
func (h halter) pid() (int, error) {
	text, err := os.ReadFile(h.path("data", "postmaster.pid"))
	if err != nil {
		return 0, fmt.Errorf("no server runs: %w", err)
	}
	first, _, _ := bytes.Cut(text, []byte("\n"))
	return strconv.Atoi(string(first))
}

func (h halter) path(elements ...string) string {
	return filepath.Join(append([]string{h.dir}, elements...)...)
}
