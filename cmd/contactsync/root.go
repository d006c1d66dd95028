package main

import (
	"context"
	"runtime/debug"
	"slices"

	"github.com/spf13/cobra"

	"github.com/scrapersky/contactsync/internal/app"
)

// newRootCommand has every command there is.
func newRootCommand(p *program) *cobra.Command {
	root := &cobra.Command{
		Use:   "contactsync",
		Short: "Sync contacts from PostgreSQL to HubSpot, milliseconds after they were queued",
		Long: `Sync contacts from PostgreSQL to HubSpot, milliseconds after they were queued.

An app sets hubspot_processing_status = 'Queued' on a row of contacts; contactsync does the rest.
Settings come from the environment, and from a file .env in the working directory where there is one;
.env.example explains them all. Results go to stdout, logs and errors to stderr.

Exit codes: 0 done, 1 failed, 2 usage or configuration.`,
		Example: `  contactsync demo           # watch it work, without any account
  contactsync migrate up     # prepare the database
  contactsync run            # sync; start as many replicas as you like
  contactsync completion bash > /etc/bash_completion.d/contactsync`,
		SilenceErrors: true, // execute prints them, once
		SilenceUsage:  true,
	}
	info, _ := debug.ReadBuildInfo()
	root.Version = versionText(version, info)
	root.SetVersionTemplate("contactsync {{.Version}}\n")
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.AddGroup(
		&cobra.Group{ID: groupWork, Title: "Work:"},
		&cobra.Group{ID: groupContacts, Title: "Contacts:"},
		&cobra.Group{ID: groupSetup, Title: "Set-up:"},
	)
	root.SetHelpCommandGroupID(groupSetup)
	root.SetCompletionCommandGroupID(groupSetup)

	add(root, groupWork, newRunCommand(p), newStatusCommand(p), newPauseCommand(p), newResumeCommand(p), newDoctorCommand(p), newDemoCommand(p))
	add(root, groupContacts, newQueueCommand(p), newRetryCommand(p), newSkipCommand(p), newSyncCommand(p), newPlanCommand(p))
	add(root, groupSetup, newMigrateCommand(p), newSetupCommand(p), newHealthcheckCommand(p), newVersionCommand(p))
	return root
}

// The headings of the help text.
const (
	groupWork     = "work"
	groupContacts = "contacts"
	groupSetup    = "setup"
)

func add(root *cobra.Command, group string, commands ...*cobra.Command) {
	for _, cmd := range commands {
		cmd.GroupID = group
		root.AddCommand(cmd)
	}
}

// execute runs the command that args name, prints an error where it fails, and
// returns the exit code.
func (p *program) execute(ctx context.Context, args []string) int {
	root := newRootCommand(p) //nolint:contextcheck // cobra hands ctx to the command that runs
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	prepare(root)
	// Without arguments cobra would take those of the process.
	root.SetArgs(slices.Concat([]string{}, args))
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitDone
	}
	code := exitCode(err)
	say(p.stderr, "contactsync: %v\n", err)
	if remedy := app.Remedy(err); remedy != "" {
		say(p.stderr, "%s\n", remedy)
	}
	if isUsage(err) {
		say(p.stderr, "Try `%s --help`.\n", cmd.CommandPath())
	}
	return code
}

// prepare finishes a command and all below it. Their work is wrapped, so that its
// errors can be told from those that cobra finds in the arguments before any work
// began. A group of commands without work of its own fails: cobra would print the
// help and call that a success, whatever the argument.
func prepare(cmd *cobra.Command) {
	if cmd.HasParent() && cmd.HasSubCommands() && !cmd.Runnable() {
		cmd.Args, cmd.RunE = cobra.ArbitraryArgs, needsSubcommand
	}
	if work := cmd.RunE; work != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			if err := work(cmd, args); err != nil {
				return &failure{err}
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		prepare(sub)
	}
}

// needsSubcommand is the work of a group of commands.
func needsSubcommand(cmd *cobra.Command, args []string) error {
	var names []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	if len(args) > 0 {
		return usagef("unknown command %q for %q: expected %s", args[0], cmd.CommandPath(), anyOf(names))
	}
	return usagef("%s needs a command: %s", cmd.Name(), anyOf(names))
}
