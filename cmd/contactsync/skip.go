package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/scrapersky/contactsync/internal/ops"
)

func newSkipCommand(p *program) *cobra.Command {
	c := &change{p: p, verb: ops.DidSkip}
	cmd := &cobra.Command{
		Use:   "skip ID|EMAIL...",
		Short: "Take contacts out of the queue",
		Long: `Take these contacts out of the queue, whether they wait, failed or were never queued: hubspot_sync_status becomes
Skipped, until somebody queues them again. What is in flight at this moment still arrives. Contacts that are
Complete are left alone, and the exit code is 1.`,
		Example: `  contactsync skip ada@example.org 7d444840-9dc0-11d1-b245-5ffdce74fad2`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.run(cmd.Context(), "", func(ctx context.Context) error { return c.skip(ctx, args) })
		},
	}
	c.flags(cmd)
	return cmd
}

func (c *change) skip(ctx context.Context, args []string) error {
	wanted, err := readNames(ctx, c.store, args)
	if err != nil {
		return err
	}
	ids, missing, err := wanted.find(ctx, c.store)
	if err != nil {
		return err
	}
	skipped, err := c.store.Skip(ctx, ids)
	if err != nil {
		return err
	}
	c.done(len(args), skipped)
	c.left = wanted.left(ids, skipped, missing)
	if len(c.left) > 0 {
		return fmt.Errorf("%s: %s", ops.Count(len(c.left), "contact is Complete, or does not exist", "contacts are Complete, or do not exist"), quoteAll(c.left))
	}
	return nil
}
