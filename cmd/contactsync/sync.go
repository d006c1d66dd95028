package main

import (
	"context"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/scrapersky/contactsync/internal/app"
	"github.com/scrapersky/contactsync/internal/config"
	"github.com/scrapersky/contactsync/internal/queue/admin"
)

func newSyncCommand(p *program) *cobra.Command {
	var as string
	cmd := &cobra.Command{
		Use:   "sync ID|EMAIL...",
		Short: "Sync contacts now, one by one, and say what HubSpot answers",
		Long: `Sync the contacts with these ids or emails now, one by one, whatever their status, and say what HubSpot
answers. It works beside running replicas, and also where they are paused or disabled: give the key for this call. A contact
that a replica is working on at this moment is left to it. Exit code 1 if one could not be synced.`,
		Example: `  contactsync sync ada@example.org
  contactsync sync 7d444840-9dc0-11d1-b245-5ffdce74fad2 ada@example.org
  HUBSPOT_API_KEY=pat-eu1-... contactsync sync ada@example.org`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := p.loadWithFile(cmd.Context(), settingsFile)
			if err != nil {
				return err
			}
			if cfg.HubSpot.APIKey.IsZero() {
				return &config.Error{Problems: []config.Problem{{Var: "HUBSPOT_API_KEY", Message: "is not set; give it for this call: HUBSPOT_API_KEY=... contactsync sync ..."}}}
			}
			cfg.Log.Level = max(cfg.Log.Level, slog.LevelWarn) // what happens to the contacts goes to stdout
			who, err := p.who(as)
			if err != nil {
				return err
			}
			find := func(ctx context.Context, desk *admin.Desk, args []string) (ids, missing []string, err error) {
				return parseNames(args).find(ctx, desk)
			}
			return app.SyncByHand(cmd.Context(), cfg, app.Options{Log: newLogger(p.stderr, cfg.Log)}, who, find, args, p.stdout)
		},
	}
	addWho(cmd, &as)
	return cmd
}
