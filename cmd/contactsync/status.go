package main

import (
	"github.com/spf13/cobra"

	"github.com/scrapersky/contactsync/internal/queue/admin"
)

func newStatusCommand(p *program) *cobra.Command {
	var asJSON bool
	var hours int
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show how the queue stands",
		Long: `Show how the queue stands: who leads, what waits, what failed and why, and how the last hours went against what is
to be expected of a healthy installation.`,
		Example: `  contactsync status
  contactsync status --json | jq .queue.due`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if hours < 1 || hours > 24*30 {
				return usagef("--hours takes 1 to 720")
			}
			cfg, err := load[databaseSettings](cmd.Context(), p, settingsFile)
			if err != nil {
				return err
			}
			return deskOf(cmd.Context(), cfg.Database, func(desk *admin.Desk) error {
				status, err := desk.Status(cmd.Context(), destination, hours)
				if err != nil {
					return err
				}
				if cfg.Log.RedactEmails {
					for i := range status.Failures { // HubSpot's words repeat the emails it refuses, however they look
						status.Failures[i].Example = nil
					}
				}
				if asJSON {
					return p.printJSON(status)
				}
				return writeStatus(p.stdout, status)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON, for scripts")
	cmd.Flags().IntVar(&hours, "hours", 24, "how far the measures look back")
	return cmd
}
