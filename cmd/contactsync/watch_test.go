package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// A watched status goes on until Ctrl-C, which is no failure: an object a line for
// scripts, block after block in a pipe, in place on a terminal.
func TestStatusIsWatched(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	t.Run("json", func(t *testing.T) {
		t.Parallel()
		watched(t, in, []string{progtest.Binary(t), "status", "--watch", "--json"}, func(lines *bufio.Scanner) {
			for range 2 {
				lines.Scan()
				var v view
				if err := json.Unmarshal(lines.Bytes(), &v); err != nil || v.Sentence == "" {
					t.Fatalf("%v: %s", err, lines.Text())
				}
			}
		})
	})
	t.Run("pipe", func(t *testing.T) {
		t.Parallel()
		watched(t, in, []string{progtest.Binary(t), "status", "--watch"}, func(lines *bufio.Scanner) {
			for seen := 0; seen < 2 && lines.Scan(); {
				if strings.Contains(lines.Text(), "\x1b") {
					t.Errorf("a pipe gets %q", lines.Text())
				}
				if strings.Contains(lines.Text(), "Nobody leads") {
					seen++
				}
			}
		})
	})
}

// watched runs a command, looks at what it prints, and ends it by Ctrl-C.
func watched(t *testing.T, in *progtest.Installation, args []string, look func(lines *bufio.Scanner)) {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), args[0], args[1:]...)
	cmd.Env, cmd.Dir = in.Env(), t.TempDir()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	look(bufio.NewScanner(out))
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after Ctrl-C: %v, want exit code 0", err)
	}
}

func TestOnScreen(t *testing.T) {
	t.Parallel()
	if got := string(onScreen([]byte("a\nb\nc\n"), 2)); got != "\x1b[Ha\x1b[K\r\nb\x1b[K\x1b[J" {
		t.Errorf("got %q", got)
	}
}

// A pipe gets a line every few seconds, not one a page.
func TestProgressInAPipe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := newProgress(&out, "Queueing", 10000)
		for range 10 {
			time.Sleep(time.Second)
			p.add(1000)
		}
		p.finish()
		if want := fmt.Sprintf("Queueing: %d of 10000 contacts\nQueueing: %d of 10000 contacts\nQueueing: %d of 10000 contacts\n", 3000, 6000, 9000); out.String() != want {
			t.Errorf("got\n%swant\n%s", out.String(), want)
		}
	})
}
