package main

import (
	"context"
	"fmt"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/scrapersky/contactsync/internal/app"
	"github.com/scrapersky/contactsync/internal/config"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/hubspot/portal"
	"github.com/scrapersky/contactsync/internal/ops"
	"github.com/scrapersky/contactsync/internal/queue/columns"
)

// accountSettings are those of a command that needs nothing but HubSpot.
type accountSettings struct {
	HubSpot config.HubSpot
	Log     config.Log
}

func newSetupCommand(p *program) *cobra.Command {
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "setup",
		Short: "Create the custom properties in HubSpot",
		Long: `Create in HubSpot the properties that the settings HUBSPOT_CUSTOM_PROPERTY_DOMAIN_ID, _PAGE_ID and _SYNC_DATE
and HUBSPOT_PROPERTY_MAP name, in a group of their own, as far as they are missing. The type of a mapped one is that of its
column, for which this reads the database. What exists is compared and left as it is, so that this can
be run again at any time. Exit code 1 if a property exists and does not fit.

It takes a key with the scope ` + portal.ScopeProperties + `, which the key that syncs need not have: give another one for this
call.`,
		Example: `  contactsync setup --dry-run
  HUBSPOT_API_KEY=pat-eu1-... contactsync setup`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := load[accountSettings](cmd.Context(), p, settingsFile)
			if err != nil {
				return err
			}
			if cfg.HubSpot.APIKey.IsZero() {
				return noKey("setup")
			}
			return p.setUp(cmd.Context(), cfg, dryRun)
		},
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what would be done, and change nothing")
	return cmd
}

// noKey is the complaint of a command that cannot do without.
func noKey(command string) error {
	return &config.Error{Problems: []config.Problem{{
		Var: "HUBSPOT_API_KEY", Message: "is not set; give it for this call: HUBSPOT_API_KEY=... contactsync " + command,
	}}}
}

// setUp creates what is missing and tells of each thing.
func (p *program) setUp(ctx context.Context, cfg accountSettings, dryRun bool) error {
	ctx, cancel := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	extra, err := p.extraColumns(ctx, cfg.HubSpot.Properties.Map)
	if err != nil {
		return err
	}
	created, misfits := 0, 0
	err = app.Setup(ctx, cfg.HubSpot, extra, newLogger(p.stderr, quietly(cfg.Log)), dryRun, func(s destination.Step) {
		say(p.stdout, "%s\n", stepLine(s))
		switch s.Done {
		case destination.DoneCreated, destination.DoneWould:
			created++
		case destination.DoneMisfit:
			misfits++
		}
	})
	switch {
	case err != nil:
		return err
	case misfits > 0:
		return fmt.Errorf("%s: name others in HUBSPOT_CUSTOM_PROPERTY_... and HUBSPOT_PROPERTY_MAP, or delete these in HubSpot and run `contactsync setup` again",
			ops.Count(misfits, "property does not fit", "properties do not fit"))
	case created == 0:
		say(p.stdout, "Nothing is missing.\n")
	case dryRun:
		say(p.stdout, "%d would be created; nothing was changed.\n", created)
	}
	return nil
}

// extraColumns reads the types of the mapped columns, which tell those of the
// properties. Only where there are some does this command need the database.
func (p *program) extraColumns(ctx context.Context, mapped config.PropertyMap) (columns.List, error) {
	if len(mapped.Pairs) == 0 {
		return nil, nil
	}
	cfg, err := load[databaseSettings](ctx, p, settingsFile)
	if err != nil {
		return nil, fmt.Errorf("the columns of HUBSPOT_PROPERTY_MAP tell the types of the properties: %w", err)
	}
	return app.ExtraColumns(ctx, cfg.Database, mapped)
}

// stepLine tells of one thing.
func stepLine(s destination.Step) string {
	signs := map[destination.Done]string{
		destination.DoneExists: "✓ exists      ", destination.DoneCreated: "+ created     ", destination.DoneWould: "+ would create",
		destination.DoneTolerate: "! exists      ", destination.DoneMisfit: "✗ does not fit",
	}
	line := signs[s.Done] + "  " + s.Kind + " " + s.Name
	if s.Type != "" {
		line += " (" + s.Type + ")"
	}
	if s.Why != "" {
		line += ": " + s.Why
	}
	return line
}
