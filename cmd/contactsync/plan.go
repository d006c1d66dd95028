package main

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"slices"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/scrapersky/contactsync/internal/app"
	"github.com/scrapersky/contactsync/internal/config"
	"github.com/scrapersky/contactsync/internal/ops"
)

func newPlanCommand(p *program) *cobra.Command {
	var (
		status string
		most   int
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "plan [ID|EMAIL...]",
		Short: "Say what a sync would do, and do nothing",
		Long: `Say what a sync would do now to the contacts in the queue, to those named, or to all with one
hubspot_sync_status: which would be created in HubSpot, which updated and how, which are the same there, and which
cannot be sent and why. Nothing is written, neither to HubSpot nor to the database, and nothing is claimed.

Rows with the same email are merged as the worker does, here among each 1000. What HubSpot would think of a value
cannot be known without writing it. Exit code 1 if nothing could be sent because a property is missing or does not
fit, or if a named contact does not exist.`,
		Example: `  contactsync plan
  contactsync plan ada@example.org
  contactsync plan --status Selected --limit 100000 --json | jq .counts`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if most < 1 {
				return usagef("--limit takes a number from 1")
			}
			if len(args) > 0 && status != "" {
				return usagef("say which contacts, in one way: ids and emails, or --status")
			}
			status, err := parseStatus(status)
			if err != nil {
				return err
			}
			cfg, err := load[config.Config](cmd.Context(), p, settingsFile)
			if err != nil {
				return err
			}
			if cfg.HubSpot.APIKey.IsZero() {
				return noKey("plan")
			}
			ctx, cancel := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer cancel()
			return app.WithStore(ctx, cfg.Database, func(store *ops.Store) error {
				if err := app.Visible(ctx, store, false); err != nil {
					return err
				}
				return p.plan(ctx, cfg, store, selection{names: args, status: status, most: most}, asJSON)
			})
		},
	}
	cmd.Flags().StringVar(&status, "status", "", "all contacts whose hubspot_sync_status is this")
	cmd.Flags().IntVar(&most, "limit", 1000, "how many contacts at most, of the queue or a status")
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON, for scripts")
	_ = cmd.RegisterFlagCompletionFunc("status", cobra.FixedCompletions(syncStatuses, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// selection is the contacts that a plan is about.
type selection struct {
	names  []string
	status string
	most   int
}

// ids returns them, the names that nobody has, and whether there are more.
func (s selection) ids(ctx context.Context, store *ops.Store) (ids, missing []string, more bool, err error) {
	switch {
	case len(s.names) > 0:
		var wanted names
		if wanted, err = readNames(ctx, store, s.names); err != nil {
			return nil, nil, false, err
		}
		ids, missing, err = wanted.find(ctx, store)
		return ids, missing, false, err
	case s.status != "":
		ids, err = store.Select(ctx, ops.Filter{Mirror: s.status}, "", s.most+1)
	default:
		ids, err = store.NextInQueue(ctx, s.most+1)
	}
	if len(ids) > s.most {
		return ids[:s.most], nil, true, err
	}
	return ids, nil, false, err
}

// plan shows the differences between both sides, a page at a time.
func (p *program) plan(ctx context.Context, cfg config.Config, store *ops.Store, wanted selection, asJSON bool) error {
	planner, err := app.NewPlanner(ctx, cfg, store, newLogger(p.stderr, quietly(cfg.Log)))
	if err != nil {
		return err
	}
	outcome := &planned{Contacts: []plannedContact{}}
	if outcome.Blocked, err = planner.Blocked(ctx); err != nil {
		return err
	}
	view := &planView{out: p.stdout, redact: cfg.Log.RedactEmails, quiet: asJSON}
	view.blocked(outcome.Blocked)
	if outcome.Paused, err = store.Hold(ctx); err != nil {
		return err
	}
	view.paused(outcome.Paused)
	ids, missing, more, err := wanted.ids(ctx, store)
	if err != nil {
		return err
	}
	outcome.More = more
	for page := range slices.Chunk(ids, queuePage) {
		plan, unread, err := planner.Plan(ctx, page)
		if err != nil {
			return err
		}
		if len(wanted.names) > 0 {
			missing = append(missing, unread...)
		}
		outcome.add(plan, view)
	}
	outcome.Missing = missing
	if asJSON {
		if err := p.printJSON(outcome); err != nil {
			return err
		}
	} else {
		view.sum(outcome)
	}
	switch {
	case len(outcome.Blocked) > 0:
		return errors.New("nothing would be sent: run `contactsync setup`, then `contactsync doctor`")
	case len(missing) > 0:
		return fmt.Errorf("%s not found: %s", contacts(len(missing)), quoteAll(missing))
	}
	return nil
}
