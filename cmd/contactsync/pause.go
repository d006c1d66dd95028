package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/ops"
)

func newPauseCommand(p *program) *cobra.Command {
	var reason, as string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "pause",
		Short: "Keep all replicas from sending anything, until resume",
		Long: `Keep all replicas from sending anything to HubSpot, from this moment until "resume", whatever happens to them
meanwhile: it is written down in the database. Contacts go on being queued and stay so, nothing is spent on them; what
is in flight is finished. "sync" by hand still works. Pausing twice is no error, and the first one's name stays.`,
		Example: `  contactsync pause
  contactsync pause --reason clean-up --as ada`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			who, err := p.who(as)
			if err != nil {
				return err
			}
			return p.withStore(cmd.Context(), func(store *ops.Store) error {
				return p.pause(cmd.Context(), store, who, strings.TrimSpace(reason), asJSON)
			})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for those who wonder")
	addWho(cmd, &as)
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON, for scripts")
	return cmd
}

func newResumeCommand(p *program) *cobra.Command {
	var as string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "resume",
		Short: "Go on after a pause",
		Long: `Go on after "pause": what is queued is sent at once. Where nothing is paused, nothing happens. A pause that HubSpot
is the reason for, such as a wrong key, ends by itself when HubSpot can be used again, not by this.`,
		Example: "  contactsync resume",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			who, err := p.who(as)
			if err != nil {
				return err
			}
			return p.withStore(cmd.Context(), func(store *ops.Store) error {
				return p.resume(cmd.Context(), store, who, asJSON)
			})
		},
	}
	addWho(cmd, &as)
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON, for scripts")
	return cmd
}

// paused is what pause and resume answer to scripts.
type paused struct {
	Paused   bool           `json:"paused"`  // now
	Changed  bool           `json:"changed"` // by this call
	Hold     *contact.Pause `json:"hold"`
	Queued   int64          `json:"queued"` // of resume: when the pause ended
	InFlight int64          `json:"in_flight"`
}

func (p *program) pause(ctx context.Context, store *ops.Store, who, reason string, asJSON bool) error {
	already, err := store.Pause(ctx, who, reason)
	if err != nil {
		return err
	}
	now, err := pausedNow(ctx, store)
	if err != nil {
		return fmt.Errorf("the sync is paused, but how it stands could not be read: %w", err)
	}
	now.Changed = !already
	if asJSON {
		return p.printJSON(now)
	}
	return now.tellPause(p.stdout)
}

func (p *program) resume(ctx context.Context, store *ops.Store, who string, asJSON bool) error {
	held, lookErr := pausedNow(ctx, store) // before a leader claims what was held
	was, err := store.Resume(ctx, who)
	if err != nil {
		return err
	}
	hold, err := store.Hold(ctx)
	if err = errors.Join(lookErr, err); err != nil {
		return fmt.Errorf("the sync goes on, but how it stands could not be read: %w", err)
	}
	held.Changed, held.Hold, held.Paused = was, hold, hold != nil
	if asJSON {
		return p.printJSON(held)
	}
	return held.tellResume(p.stdout)
}

func pausedNow(ctx context.Context, store *ops.Store) (paused, error) {
	s, err := store.Snapshot(ctx, 0)
	if err != nil {
		return paused{}, err
	}
	return paused{
		Paused: s.Hold != nil, Hold: s.Hold,
		Queued: s.Queue.Due + s.Queue.Waiting, InFlight: s.Queue.InFlight,
	}, nil
}

func (n paused) tellPause(out io.Writer) error {
	text := "Paused: nothing more is sent, by any replica."
	switch {
	case n.Hold == nil:
		text = "Paused, and resumed by somebody else at the same moment."
	case !n.Changed:
		text = fmt.Sprintf("Paused already: by %s, since %s%s.", n.Hold.Who, n.Hold.Since.Local().Format(time.DateTime), because(n.Hold))
	}
	_, err := say(out, "%s\n%s so; %s in flight and will be finished. `contactsync resume` goes on.\n", text,
		ops.Count(n.Queued, "contact is queued and stays", "contacts are queued and stay"), plural(n.InFlight))
	return err
}

func (n paused) tellResume(out io.Writer) error {
	text := "Resumed"
	if !n.Changed {
		text = "Nothing was paused by hand"
	}
	queued := "nothing is queued"
	if n.Queued > 0 {
		queued = plural(n.Queued) + " queued"
	}
	_, err := say(out, "%s: %s.\n", text, queued)
	return err
}

func because(hold *contact.Pause) string {
	if hold.Reason == "" {
		return ""
	}
	return ": " + hold.Reason
}
