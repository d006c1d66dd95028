package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/scrapersky/contactsync/internal/app"
	"github.com/scrapersky/contactsync/internal/ops"
	"github.com/scrapersky/contactsync/internal/redact"
)

// shownCycles is how many of the last cycles are shown.
const shownCycles = 5

func newStatusCommand(p *program) *cobra.Command {
	var asJSON, watch bool
	var hours int
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show how the queue stands",
		Long: `Show how the queue stands: one sentence in plain words, who leads and who waits, what is queued, what failed and why,
and how the last hours went against what is to be expected of a healthy installation.

With --watch it goes on until Ctrl-C: in place on a terminal, block after block elsewhere, with --json an object a line.`,
		Example: `  contactsync status
  contactsync status --watch
  contactsync status --json | jq -r .sentence
  contactsync status --watch --json | jq .queue.due`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if hours < 1 || hours > 24*30 {
				return usagef("--hours takes 1 to 720")
			}
			cfg, err := load[databaseSettings](cmd.Context(), p, settingsFile)
			if err != nil {
				return err
			}
			return app.WithStore(cmd.Context(), cfg.Database, func(store *ops.Store) error {
				look := func(ctx context.Context) (view, error) {
					return newView(ctx, store, hours, cfg.Log.RedactEmails)
				}
				if watch {
					return p.watchStatus(cmd.Context(), look, asJSON)
				}
				v, err := look(cmd.Context())
				if err != nil {
					return err
				}
				if asJSON {
					return p.printJSON(v)
				}
				return writeStatus(p.stdout, v, colorful(p.stdout))
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON, for scripts")
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "go on showing it, every 2 s")
	cmd.Flags().IntVar(&hours, "hours", 24, "how far the measures look back")
	return cmd
}

// view is what status shows. Its JSON form is what scripts read.
type view struct {
	Sentence string    `json:"sentence"`
	Level    ops.Level `json:"level"`
	ops.Snapshot
	Hours    int             `json:"hours"` // what the measures look back on
	Measures ops.Measures    `json:"measures"`
	Failures []ops.CodeCount `json:"failures"`
	Latency  latency         `json:"latency"` // of the same hours as the measures
	Cycles   []ops.Cycle     `json:"last_cycles"`
}

// latency is in what time, in seconds, so much of the contacts was in HubSpot
// after they were queued; null where no contact was.
type latency struct {
	P50 *float64 `json:"p50"`
	P95 *float64 `json:"p95"`
	P99 *float64 `json:"p99"`
}

func newView(ctx context.Context, store *ops.Store, hours int, hideEmails bool) (view, error) {
	status, err := store.Snapshot(ctx, 0)
	if err != nil {
		return view{}, err
	}
	measures, err := store.Measures(ctx, hours)
	if err != nil {
		return view{}, err
	}
	failures, err := store.FailuresByCode(ctx, 0)
	if err != nil {
		return view{}, err
	}
	if hideEmails {
		for i := range failures { // HubSpot's words repeat the emails it refuses, however they look
			failures[i].Example = nil
		}
		for i := range status.Leaders {
			status.Leaders[i].PauseReason = redact.Text(status.Leaders[i].PauseReason)
		}
		for i := range status.Refusals {
			status.Refusals[i].Message = redact.Text(status.Refusals[i].Message)
		}
	}
	points, err := store.Series(ctx, time.Duration(hours)*time.Hour, time.Hour)
	if err != nil {
		return view{}, err
	}
	cycles, err := store.LastCycles(ctx, shownCycles)
	if err != nil {
		return view{}, err
	}
	v := view{Snapshot: status, Hours: hours, Measures: measures, Failures: failures, Cycles: cycles}
	v.Level, v.Sentence = status.Judge(time.Local)
	sum := ops.Sum(points)
	v.Latency = latency{P50: sum.Quantile(0.5), P95: sum.Quantile(0.95), P99: sum.Quantile(0.99)}
	return v, nil
}
