package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
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
	var as, account string
	var asJSON, forget bool
	cmd := &cobra.Command{
		Use:   "resume",
		Short: "Go on after a pause",
		Long: `Go on after "pause": what is queued is sent at once. Where nothing is paused, nothing happens. A pause that HubSpot
is the reason for, such as a wrong key, ends by itself when HubSpot can be used again, not by this.

The account (portal) that the contacts were synced to first is remembered in the database, and the key of another one
sends nothing. To go on with another one on purpose, name it with --account: replicas with its key then go on by
themselves within five minutes. What the old account has stays there.

With HUBSPOT_SKIP_UNCHANGED, --forget-sent forgets what was sent, so that the next request of each contact is sent again.
A database that was restored from a backup, or copied, does so by itself; one that was set back under the same server, by
a snapshot of its disk, does not always notice.`,
		Example: `  contactsync resume
  contactsync resume --account 12345678
  contactsync resume --forget-sent`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			who, err := p.who(as)
			if err != nil {
				return err
			}
			return p.withStore(cmd.Context(), func(store *ops.Store) error {
				if forget {
					return p.forgetSent(cmd.Context(), store, who, asJSON)
				}
				if cmd.Flags().Changed("account") {
					return p.setAccount(cmd.Context(), store, who, strings.TrimSpace(account), asJSON)
				}
				return p.resume(cmd.Context(), store, who, asJSON)
			})
		},
	}
	cmd.Flags().StringVar(&account, "account", "", "the id of the account to sync to from now on; a pause by hand goes on")
	cmd.Flags().BoolVar(&forget, "forget-sent", false, "send unchanged contacts again when they are queued; a pause by hand goes on")
	cmd.MarkFlagsMutuallyExclusive("account", "forget-sent")
	addWho(cmd, &as)
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON, for scripts")
	return cmd
}

// forgetSent has contacts sent again although they are unchanged.
func (p *program) forgetSent(ctx context.Context, store *ops.Store, who string, asJSON bool) error {
	emails, err := store.ForgetSent(ctx, who)
	if err != nil {
		return err
	}
	if asJSON {
		return p.printJSON(map[string]int64{"forgotten": emails})
	}
	_, err = say(p.stdout, "Forgotten: what was sent to %s. Each is sent again when it is queued next.\n", ops.Count(emails, "email", "emails"))
	return err
}

// accountID is how accounts are called: a number, or a name.
var accountID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// setAccount has contacts synced to another account from now on.
func (p *program) setAccount(ctx context.Context, store *ops.Store, who, account string, asJSON bool) error {
	if !accountID.MatchString(account) {
		return usagef("--account %q is no id of an account: give that of the portal, as `contactsync doctor` shows it", account)
	}
	before, err := store.SetAccount(ctx, account, who)
	if err != nil {
		return err
	}
	if asJSON {
		return p.printJSON(map[string]string{"account": account, "before": before})
	}
	text := fmt.Sprintf("Contacts are synced to account %s from now on, instead of %s. A replica with its key goes on by itself within five minutes, or at once when restarted.", account, before)
	switch before {
	case "":
		text = fmt.Sprintf("Contacts are synced to account %s from now on, and to no other one. None was known before.", account)
	case account:
		text = fmt.Sprintf("Contacts are synced to account %s already.", account)
	}
	_, err = say(p.stdout, "%s\n", text)
	return err
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
