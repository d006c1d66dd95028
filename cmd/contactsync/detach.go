package main

import (
	"context"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/scrapersky/contactsync/internal/schema"
)

func newMigrateDetachCommand(p *program) *cobra.Command {
	var keepIndexes bool
	cmd := &cobra.Command{
		Use:   "detach",
		Short: "Take off what keeps the app from altering a column's type",
		Long: `Take the triggers and indexes off the table of contacts, in one transaction, so that the app can alter the type of a
column that they name. Postgres refuses that otherwise: "cannot alter type of a column used in a trigger definition"
(zz_contactsync_requeue, contactsync_doorbell_insert), or "operator does not exist" for the condition of an index.

Contacts that are queued meanwhile wait for the tick, and each look at the queue reads the whole table; status and doctor
say so. "attach" puts all back.`,
		Example: `  contactsync migrate detach
  psql "$DATABASE_URL" -c 'ALTER TABLE contacts ALTER COLUMN hubspot_processing_status TYPE varchar(30)'
  contactsync migrate attach`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.migrate(cmd.Context(), func(ctx context.Context, url string, o schema.Options, log *slog.Logger) error {
				if err := schema.Detach(ctx, url, o, keepIndexes, log); err != nil {
					return err
				}
				_, err := say(p.stdout, "detached; run `contactsync migrate attach` after the app's migration\n")
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&keepIndexes, "keep-indexes", false, "take the triggers alone: enough where text becomes varchar or longer, not an enum")
	return cmd
}

func newMigrateAttachCommand(p *program) *cobra.Command {
	return &cobra.Command{
		Use:   "attach",
		Short: "Put back what detach took off",
		Long: `Put the triggers and then the indexes back that "detach" took off, and whatever else is missing after the app's
migration, as "up" does. It wakes the leader. It may be run again.`,
		Example: "  contactsync migrate attach",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.migrate(cmd.Context(), func(ctx context.Context, url string, o schema.Options, log *slog.Logger) error {
				result, err := schema.Attach(ctx, url, o, log)
				p.printApplied(result, err)
				return err
			})
		},
	}
}
