package needs_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/needs"
)

// nothing is a tool that no machine has.
var nothing = needs.Tool{Names: []string{"no-such-program-anywhere"}, Install: "it cannot be installed"}

// asked is how a test ended that asked for a program.
type asked struct{ skipped, failed bool }

// ask has a test ask for a program.
func ask(t *testing.T, tool needs.Tool) (path string, end asked) {
	t.Helper()
	tb := &ended{TB: t}
	done := make(chan struct{})
	go func() { // a goroutine of its own, because the test ends it
		defer close(done)
		path = needs.Program(tb, tool)
	}()
	<-done
	return path, tb.asked
}

// ended takes note of how a test is ended and ends the goroutine, as testing.T does.
type ended struct {
	testing.TB
	asked
}

func (e *ended) Fatalf(string, ...any) { e.failed = true; runtime.Goexit() }
func (e *ended) Skipf(string, ...any)  { e.skipped = true; runtime.Goexit() }

func TestMissingProgramIsRecorded(t *testing.T) {
	t.Setenv("CI", "")
	list := filepath.Join(t.TempDir(), "skipped")
	t.Setenv(needs.SkippedEnv, list)
	for range 2 {
		if _, end := ask(t, nothing); end != (asked{skipped: true}) {
			t.Errorf("the test that asked ended so: %+v, want it skipped", end)
		}
	}
	got, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	line := "no-such-program-anywhere is missing: internal/lab/needs TestMissingProgramIsRecorded was skipped (it cannot be installed)\n"
	if want := strings.Repeat(line, 2); string(got) != want {
		t.Errorf("recorded\n%swant\n%s", got, want)
	}
}

func TestMissingProgramFailsInCI(t *testing.T) {
	t.Setenv("CI", "true")
	list := filepath.Join(t.TempDir(), "skipped")
	t.Setenv(needs.SkippedEnv, list)
	if _, end := ask(t, nothing); end != (asked{failed: true}) {
		t.Errorf("the test that asked ended so: %+v, want it failed", end)
	}
	if _, err := os.Stat(list); err == nil {
		t.Error("what failed is recorded as skipped")
	}
}

// What cannot be recorded is not skipped in silence.
func TestRecordThatCannotBeWritten(t *testing.T) {
	t.Setenv("CI", "")
	t.Setenv(needs.SkippedEnv, filepath.Join(t.TempDir(), "no such folder", "skipped"))
	if _, end := ask(t, nothing); end != (asked{failed: true}) {
		t.Errorf("the test that asked ended so: %+v, want it failed", end)
	}
}

func TestFirstProgramThatIsThere(t *testing.T) {
	t.Parallel()
	path, end := ask(t, needs.Tool{Names: []string{"no-such-program-anywhere", "go", "sh"}})
	if end != (asked{}) || !strings.HasPrefix(filepath.Base(path), "go") {
		t.Errorf("found %q, ended %+v; want go", path, end)
	}
}
