package progtest

import (
	"bytes"
	"context"
	"os/exec"
	"strings"
)

// Command runs the program to its end.
func (in *Installation) Command(env []string, args ...string) (stdout, stderr string, code int) {
	in.Helper()
	return in.CommandIn(env, "", args...)
}

// CommandIn is Command with something to read on standard input.
func (in *Installation) CommandIn(env []string, stdin string, args ...string) (stdout, stderr string, code int) {
	in.Helper()
	ctx, cancel := context.WithTimeout(in.Context(), Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, Binary(in.TB), args...)
	cmd.Env = env
	cmd.Dir = in.TempDir() // no .env there
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if cmd.ProcessState == nil {
		in.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// Must runs a command that is to succeed and answers what it printed.
func (in *Installation) Must(args ...string) string {
	in.Helper()
	out, errs, code := in.Command(in.Env(), args...)
	if code != 0 {
		in.Fatalf("contactsync %s: exit code %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}
