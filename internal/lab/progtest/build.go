// Package progtest runs the built program in tests: a migrated database of the
// test's own, the simulator as HubSpot, and any number of real processes between
// them, that can be asked what they logged, stopped, frozen and killed. What the
// project promises is a promise of the whole program; nothing less can show it.
package progtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
)

// program is what is built.
const program = "github.com/scrapersky/contactsync/cmd/contactsync"

// built is the program of this test process: a global, because building it once
// is the point.
var built struct {
	once sync.Once
	path string
	err  error
}

// Main runs a package's tests and removes what they shared:
//
//	func TestMain(m *testing.M) { os.Exit(progtest.Main(m)) }
func Main(m *testing.M) int {
	code := pgtest.Main(m)
	if built.path != "" {
		_ = os.RemoveAll(filepath.Dir(built.path))
	}
	return code
}

// Binary is the path of the program, built at the first call. Under the race
// detector it is built with it, too. A test that runs whole processes takes long:
// with -short it ends here.
func Binary(tb testing.TB) string {
	tb.Helper()
	needs.Time(tb)
	built.once.Do(func() { built.path, built.err = build(tb.Context()) })
	if built.err != nil {
		tb.Fatal("build the program: ", built.err)
	}
	return built.path
}

func build(ctx context.Context) (string, error) {
	dir, err := os.MkdirTemp("", "contactsync-test")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "contactsync")
	args := []string{"build", "-o", path}
	if raceEnabled {
		args = append(args, "-race")
	}
	if out, err := exec.CommandContext(ctx, "go", append(args, program)...).CombinedOutput(); err != nil {
		return path, fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
}
