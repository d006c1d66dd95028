package pgtest

import (
	"fmt"
	"os"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"
)

// running says whether a server was asked for.
var running atomic.Bool

// Main runs a package's tests, ends the server, and then looks for goroutines
// that the tests left. It returns the exit code:
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
//
// A package that has no such TestMain leaves nothing behind either, but its
// server may live a moment longer than the process.
func Main(m *testing.M) int {
	before := goleak.IgnoreCurrent()
	code := m.Run()
	if err := stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stop PostgreSQL:", err)
		code = max(code, 1)
	}
	if code != 0 {
		return code // a failed test may well leave goroutines
	}
	if err := goleak.Find(append(engine(), before)...); err != nil {
		fmt.Fprintln(os.Stderr, "goleak:", err)
		return 1
	}
	return 0
}

func stop() error {
	if !running.Load() {
		return nil
	}
	s, err := shared()
	if err != nil {
		return nil //nolint:nilerr // the tests that asked for it have failed
	}
	return s.stop()
}

// engine names the goroutines that the container library keeps for the life of
// the process: its connection to Docker's reaper.
func engine() []goleak.Option {
	return []goleak.Option{
		goleak.IgnoreAnyFunction("github.com/testcontainers/testcontainers-go.(*Reaper).connect.func1"),
	}
}
