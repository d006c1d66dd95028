package main

import (
	"context"
	"log/slog"
	"os/signal"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/scrapersky/contactsync/internal/schema"
)

func newMigrateCommand(p *program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Prepare the database, or take that back",
		Long: `Prepare the database for contactsync, or take that back. An existing contacts table keeps all it has: what is
missing is added, indexes are built without blocking anybody, and no lock is waited for longer than 3 s. It needs
DATABASE_URL (or DATABASE_DIRECT_URL, where that goes through a pooler), of a role that owns contacts.`,
		Example: `  contactsync migrate up
  contactsync migrate status`,
	}
	cmd.AddCommand(newMigrateUpCommand(p), newMigrateDownCommand(p), newMigrateStatusCommand(p),
		newMigrateGrantCommand(p), newMigrateDetachCommand(p), newMigrateAttachCommand(p))
	return cmd
}

// printApplied lists what up or attach has done.
func (p *program) printApplied(result schema.Result, err error) {
	for _, name := range result.Applied {
		say(p.stdout, "applied %s\n", name)
	}
	if err == nil && len(result.Applied) == 0 {
		say(p.stdout, "up to date\n")
	}
}

func newMigrateUpCommand(p *program) *cobra.Command {
	var yes, create, dryRun bool
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Apply what is missing",
		Long: `Apply what is missing: contactsync's own tables, the columns and indexes on the table of contacts for each destination
that is configured, and the views and triggers where they are not those of this version. It may run while apps and replicas
are at work, and more than once: of two at the same time one waits. Roles that "grant" was run for may read the columns of
HUBSPOT_PROPERTY_MAP, BREVO_ATTRIBUTE_MAP and N8N_FIELD_MAP then.

It looks before it touches anything, and refuses what would harm: a table whose constraints do not let through what
contactsync writes, or whose columns seem to have other names; a subscription of another database that would stop; a second
table of contacts. It says what to do then, and leaves nothing behind. --dry-run lists what it would add.`,
		Example: `  contactsync migrate up --dry-run
  contactsync migrate up`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.migrate(cmd.Context(), func(ctx context.Context, url string, o schema.Options, log *slog.Logger) error {
				o.Yes, o.Create, o.DryRun = yes, create, dryRun
				return p.migrateUp(ctx, url, o, log)
			})
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "go on although others would be harmed as it said")
	cmd.Flags().BoolVar(&create, "create", false, "create the table of contacts although another schema has one")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what would be added, and change nothing")
	return cmd
}

func (p *program) migrateUp(ctx context.Context, url string, o schema.Options, log *slog.Logger) error {
	result, err := schema.Up(ctx, url, o, log)
	if o.DryRun {
		return p.printPlan("would add", result.Plan, err)
	}
	if err == nil {
		err = p.printPlan("added", result.Plan, nil)
	}
	p.printApplied(result, err)
	if err != nil {
		return err
	}
	return p.grantMapped(ctx, url, o, log)
}

// printPlan lists what up adds, and returns the error.
func (p *program) printPlan(verb string, plan []string, err error) error {
	for _, line := range plan {
		say(p.stdout, "%s %s\n", verb, line)
	}
	return err
}

func newMigrateDownCommand(p *program) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "down",
		Short: "Take back the last step, or all",
		Long: `Undo the newest step, or with --all every one, after which nothing of contactsync is left. A step is a destination,
with its columns, its indexes and its part of the triggers; then the columns that all share; then contactsync's own tables.
Only what "up" created goes: an existing table keeps its own columns and data. A contacts table that "up" created stays as
long as it holds rows: empty or drop it first. Stop all replicas first.`,
		Example: `  contactsync migrate down
  contactsync migrate down --all`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.migrate(cmd.Context(), func(ctx context.Context, url string, o schema.Options, log *slog.Logger) error {
				undone, err := schema.Down(ctx, url, o, all, log)
				for _, name := range undone {
					say(p.stdout, "undone %s\n", name)
				}
				if err == nil && len(undone) == 0 {
					say(p.stdout, "nothing to undo\n")
				}
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "undo every step")
	return cmd
}

func newMigrateStatusCommand(p *program) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "List the steps",
		Long: `List contactsync's own tables by their versions, then the columns and indexes of each destination, the views and
the triggers: applied, pending (migrate up will apply it), detached (migrate attach will put it back), stale (views or
triggers of another version) or unknown (applied by a newer version). It changes nothing.`,
		Example: "  contactsync migrate status",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.migrate(cmd.Context(), func(ctx context.Context, url string, o schema.Options, _ *slog.Logger) error {
				list, err := schema.Status(ctx, url, o)
				if err != nil {
					return err
				}
				table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
				for _, v := range list {
					at := ""
					if !v.AppliedAt.IsZero() {
						at = v.AppliedAt.UTC().Format(time.RFC3339)
					}
					say(table, "%s\t%s\t%s\n", v.Name, v.State, at)
				}
				return table.Flush()
			})
		},
	}
}

// migrate does work on the database itself, past any pooler. A signal ends it in
// good order, so that a half-built index is known as such.
func (p *program) migrate(ctx context.Context, work func(ctx context.Context, url string, o schema.Options, log *slog.Logger) error) error {
	cfg, err := load[databaseSettings](ctx, p, settingsFile)
	if err != nil {
		return err
	}
	o, err := p.schemaOptions(ctx)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	return work(ctx, cfg.Database.DirectURL.Reveal(), o, newLogger(p.stderr, cfg.Log))
}
