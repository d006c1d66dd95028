// Package needs says what a test cannot do without: a program that the machine may
// lack, or time that somebody in a hurry does not give it. A test that is skipped
// for that must not go unnoticed: in CI it fails, and elsewhere `make test` lists it
// at the end with what to install.
package needs

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
	"testing"
)

// SkippedEnv names the file that gets a line for each test that was skipped for want
// of something. `make test` sets it.
const SkippedEnv = "CONTACTSYNC_SKIPPED"

// Tool is a program that some tests run.
type Tool struct {
	Names   []string // in PATH, or paths; the first that is found is taken
	Install string   // what to do where none is
}

// The tools of this project's tests.
var (
	Chromium = Tool{
		Names:   []string{"chromium", "google-chrome", "google-chrome-stable", "chromium-browser", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"},
		Install: "Debian and Ubuntu: apt install chromium; macOS: brew install --cask google-chrome",
	}
	PgBouncer = Tool{
		Names:   []string{"pgbouncer", "/usr/sbin/pgbouncer"}, // Debian keeps it out of some PATHs
		Install: "Debian and Ubuntu: apt install pgbouncer; macOS: brew install pgbouncer",
	}
	Prometheus = Tool{
		Names:   []string{"prometheus"},
		Install: "Debian and Ubuntu: apt install prometheus; macOS: brew install prometheus",
	}
	Promtool = Tool{
		Names:   []string{"promtool"},
		Install: Prometheus.Install,
	}
	Compiler = Tool{
		Names:   []string{"cc"},
		Install: "Debian and Ubuntu: apt install gcc libc6-dev; macOS: xcode-select --install",
	}
	JQ = Tool{
		Names:   []string{"jq"},
		Install: "Debian and Ubuntu: apt install jq; macOS: brew install jq",
	}
	Psql = Tool{
		Names:   []string{"psql"},
		Install: "Debian and Ubuntu: apt install postgresql; macOS: brew install postgresql@17",
	}
	PgDump = Tool{
		Names:   []string{"pg_dump"},
		Install: Psql.Install,
	}
)

// Program returns the path of a tool. Where there is none the test ends: see Missing.
func Program(tb testing.TB, tool Tool) (path string) {
	tb.Helper()
	for _, name := range tool.Names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	Missing(tb, tool.Names[0], tool.Install)
	return ""
}

// Missing ends a test for want of something: in CI (CI is set and not empty) as a
// failure, elsewhere as skipped, with a line in the file that SkippedEnv names.
func Missing(tb testing.TB, what, install string) {
	tb.Helper()
	if os.Getenv("CI") != "" {
		tb.Fatalf("%s is missing, and in CI nothing is skipped (%s)", what, install)
	}
	if err := record(fmt.Sprintf("%s is missing: %s %s was skipped (%s)\n", what, tested(), tb.Name(), install)); err != nil {
		tb.Fatalf("%s is missing, and that cannot be recorded: %v", what, err)
	}
	tb.Skipf("%s is missing (%s)", what, install)
}

// record appends a line in one write, because the packages' tests run side by side.
func record(line string) error {
	name := os.Getenv(SkippedEnv)
	if name == "" {
		return nil
	}
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := file.WriteString(line); err != nil {
		_ = file.Close() // the first error is told
		return err
	}
	return file.Close()
}

// tested is the package under test, within the module.
func tested() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return os.Args[0]
	}
	path := strings.TrimSuffix(info.Path, ".test")
	return strings.TrimPrefix(path, info.Main.Path+"/")
}

// Time skips a test that takes long where somebody asked for short ones:
// `go test -short ./...` takes less than a minute.
func Time(tb testing.TB) {
	tb.Helper()
	if testing.Short() {
		tb.Skip("it takes long, and -short is set")
	}
}

// TimeForAll is Time for a package whose tests all take long: its TestMain has it
// run them.
func TimeForAll(m *testing.M, run func(*testing.M) int) int {
	flag.Parse()
	if testing.Short() {
		fmt.Println("skipped: all tests of this package take long, and -short is set")
		return 0
	}
	return run(m)
}
