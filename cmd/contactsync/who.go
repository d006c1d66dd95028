package main

import (
	"cmp"
	"os/user"
	"strings"

	"github.com/spf13/cobra"
)

// addWho gives a command that changes something for others the flag --as.
func addWho(cmd *cobra.Command, as *string) {
	cmd.Flags().StringVar(as, "as", "", "who does it, for the record (default $USER)")
}

// who is the person at the terminal, as the record of actions shows.
func (p *program) who(as string) (string, error) {
	name, _ := p.env.Lookup("USER")
	if name = cmp.Or(strings.TrimSpace(as), name); name != "" {
		return name, nil
	}
	if me, err := user.Current(); err == nil && me.Username != "" {
		return me.Username, nil
	}
	return "", usagef("say who you are, for the record: --as NAME")
}
