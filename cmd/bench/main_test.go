package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/sethvargo/go-envconfig"

	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// asProgram makes a process of the test binary be the program, with the arguments
// that it was given: a test can signal it then.
const asProgram = "BENCH_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(progtest.Main(m))
}

// inProcess runs the command within the test.
func inProcess(t *testing.T, env map[string]string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	p := &program{env: envconfig.MapLookuper(env), stdout: &out, stderr: &errs}
	code = p.execute(t.Context(), args)
	return out.String(), errs.String(), code
}
