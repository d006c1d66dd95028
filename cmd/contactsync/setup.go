package main

import (
	"context"
	"fmt"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/scrapersky/contactsync/internal/config"
	"github.com/scrapersky/contactsync/internal/hubspot"
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

It takes a key with the scope ` + hubspot.ScopeProperties + `, which the key that syncs need not have: give another one for this
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
	further, err := p.further(ctx, cfg.HubSpot.Properties.Map)
	if err != nil {
		return err
	}
	client, err := newHubSpotClient(cfg.HubSpot, further, 1, newLogger(p.stderr, quietly(cfg.Log)), unguarded)
	if err != nil {
		return err
	}
	created, misfits := 0, 0
	err = client.Setup(ctx, dryRun, func(s hubspot.Step) {
		fmt.Fprintln(p.stdout, stepLine(s))
		switch s.Done {
		case hubspot.DoneCreated, hubspot.DoneWould:
			created++
		case hubspot.DoneMisfit:
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
		fmt.Fprintln(p.stdout, "Nothing is missing.")
	case dryRun:
		fmt.Fprintf(p.stdout, "%d would be created; nothing was changed.\n", created)
	}
	return nil
}

// further looks the further columns up, whose types tell those of the properties.
// Only where there are some does this command need the database.
func (p *program) further(ctx context.Context, mapped config.PropertyMap) (list columns.List, err error) {
	if len(mapped.Pairs) == 0 {
		return nil, nil
	}
	cfg, err := load[databaseSettings](ctx, p, settingsFile)
	if err != nil {
		return nil, fmt.Errorf("the columns of HUBSPOT_PROPERTY_MAP tell the types of the properties: %w", err)
	}
	err = storeOf(ctx, cfg.Database, func(store *ops.Store) error {
		list, err = store.Extra(ctx, mapped.Columns())
		return mapError(err)
	})
	return list, err
}

// stepLine tells of one thing.
func stepLine(s hubspot.Step) string {
	signs := map[hubspot.Done]string{
		hubspot.DoneExists: "✓ exists      ", hubspot.DoneCreated: "+ created     ", hubspot.DoneWould: "+ would create",
		hubspot.DoneTolerate: "! exists      ", hubspot.DoneMisfit: "✗ does not fit",
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
