package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/sethvargo/go-envconfig"
)

// inProcess runs a command within the test.
func inProcess(t *testing.T, env map[string]string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	p := &program{env: envconfig.MapLookuper(env), stdin: strings.NewReader(""), stdout: &out, stderr: &errs}
	code = p.execute(t.Context(), args)
	return out.String(), errs.String(), code
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		args   string
		env    map[string]string
		code   int
		stderr []string // parts of it, in order
	}{
		{"", nil, 0, nil},
		{"--help", nil, 0, nil},
		{"migrate up --help", nil, 0, nil},
		{"completion zsh", nil, 0, nil},
		{"nosuch", nil, 2, []string{`unknown command "nosuch"`, "Try `contactsync --help`."}},
		{"stats", nil, 2, []string{"Did you mean this?", "status"}},
		{"--nosuch", nil, 2, []string{"unknown flag: --nosuch", "Try `contactsync --help`."}},
		{"version more", nil, 2, []string{"more", "Try `contactsync version --help`."}},
		{"version --nosuch", nil, 2, []string{"unknown flag", "Try `contactsync version --help`."}},
		{"migrate", nil, 2, []string{"migrate needs a command: attach, detach, down, grant, status or up", "Try `contactsync migrate --help`."}},
		{"migrate upp", nil, 2, []string{`unknown command "upp"`, "attach, detach, down, grant, status or up", "Try `contactsync migrate --help`."}},
		{"migrate down --all=maybe", nil, 2, []string{"--all", "Try `contactsync migrate down --help`."}},
		{"completion tcsh", nil, 2, []string{`unknown command "tcsh"`, "Try `contactsync completion --help`."}},
		{"retry", nil, 2, []string{"say which contacts", "Try `contactsync retry --help`."}},
		{"sync", nil, 2, []string{"at least 1 arg", "Try `contactsync sync --help`."}},
		{"run", nil, 2, []string{"configuration: DATABASE_URL: is not set, for example postgres://"}},
		{"migrate up", nil, 2, []string{"configuration: DATABASE_URL: is not set"}},
		{"status", nil, 2, []string{"configuration: DATABASE_URL: is not set"}},
		{
			"run",
			map[string]string{"DATABASE_URL": "postgres://u:hunter2@h:p/d", "HUBSPOT_API_KEY": "'hunter2'", "LOG_LEVEL": "loud"},
			2,
			[]string{"configuration: 3 problems", "DATABASE_URL: cannot be read", "HUBSPOT_API_KEY: has a character", `LOG_LEVEL="loud"`},
		},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			t.Parallel()
			stdout, stderr, code := inProcess(t, tt.env, strings.Fields(tt.args)...)
			if code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			if code == 0 && (stdout == "" || stderr != "") || code != 0 && stdout != "" {
				t.Errorf("stdout %q\nstderr %q", stdout, stderr)
			}
			rest := stderr
			for _, part := range tt.stderr {
				_, after, found := strings.Cut(rest, part)
				if !found {
					t.Fatalf("no %q, or not in this order, in\n%s", part, stderr)
				}
				rest = after
			}
			if strings.Contains(stderr, "hunter2") || strings.Contains(stderr, "Usage:") {
				t.Errorf("a secret or the whole usage is printed:\n%s", stderr)
			}
			if len(tt.stderr) > 0 && strings.Count(stderr, tt.stderr[0]) != 1 {
				t.Errorf("not once:\n%s", stderr)
			}
		})
	}
}
