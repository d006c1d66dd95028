package main

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestHelp makes sure that every command explains itself, and that its examples
// are ones that it takes.
func TestHelp(t *testing.T) {
	t.Parallel()
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		if cmd.Short == "" || cmd.Long == "" || cmd.Example == "" {
			t.Errorf("%s: no Short, Long or Example", cmd.CommandPath())
		}
		for line := range strings.Lines(cmd.Example) {
			if err := tryExample(line); err != nil {
				t.Errorf("%s: example %q: %v", cmd.CommandPath(), strings.TrimSpace(line), err)
			}
		}
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
	}
	visit(newRootCommand(&program{}))
}

// tryExample parses the calls of contactsync in a line of shell.
func tryExample(line string) error {
	line, _, _ = strings.Cut(line, " #")
	line, _, _ = strings.Cut(line, " > ")
	for call := range strings.SplitSeq(line, "|") {
		words := strings.Fields(call)
		for len(words) > 0 && strings.Contains(words[0], "=") {
			words = words[1:]
		}
		if len(words) == 0 || words[0] != "contactsync" {
			continue
		}
		root := newRootCommand(&program{})
		root.InitDefaultCompletionCmd()
		cmd, rest, err := root.Find(words[1:])
		if err != nil {
			return err
		}
		if err := cmd.ParseFlags(rest); err != nil {
			return err
		}
		if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
			return err
		}
	}
	return nil
}

func TestExamplesCanFail(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"contactsync nosuch", "cat x | contactsync queue --nosuch", "A=1 contactsync version x"} {
		if tryExample(line) == nil {
			t.Errorf("%q passes", line)
		}
	}
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		stdout, stderr, code := inProcess(t, nil, "completion", shell)
		if code != 0 || stderr != "" || !strings.Contains(stdout, "contactsync") {
			t.Errorf("%s: exit code %d, %s", shell, code, stderr)
		}
	}
	stdout, _, code := inProcess(t, nil, "__complete", "migrate", "")
	if code != 0 || !strings.Contains(stdout, "up\tApply what is missing") {
		t.Errorf("after migrate: exit code %d, %s", code, stdout)
	}
}
