package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/scrapersky/contactsync/internal/app"
	"github.com/scrapersky/contactsync/internal/config"
	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/ops"
	"github.com/scrapersky/contactsync/internal/redact"
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
				return noKey("sync ...")
			}
			cfg.Log = quietly(cfg.Log) // what happens to the contacts goes to stdout
			who, err := p.who(as)
			if err != nil {
				return err
			}
			return p.sync(cmd.Context(), cfg, who, args)
		},
	}
	addWho(cmd, &as)
	return cmd
}

// sync finds the contacts, syncs them and shows how each fares.
func (p *program) sync(ctx context.Context, cfg config.Config, who string, args []string) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	m, err := app.NewManual(ctx, cfg, newLogger(p.stderr, cfg.Log))
	if err != nil {
		return err
	}
	view := &syncView{out: p.stdout, redact: cfg.Log.RedactEmails}
	m.Who, m.Sending, m.Done = who, view.sending, view.done
	var ids, missing []string
	err = app.WithStore(ctx, cfg.Database, func(store *ops.Store) error {
		wanted, err := readNames(ctx, store, args)
		if err != nil {
			return err
		}
		if ids, missing, err = wanted.find(ctx, store); err != nil {
			return err
		}
		m.Overrides, err = store.Hold(ctx)
		return err
	})
	if err != nil {
		return err
	}
	view.paused(m.Overrides)
	view.missing(missing)
	if len(ids) == 0 {
		return errors.New("none of the contacts exists")
	}
	failed, err := m.Sync(ctx, ids)
	if err != nil {
		return err
	}
	if failed += len(missing); failed > 0 {
		return fmt.Errorf("%d of %s not synced", failed, contacts(len(ids)+len(missing)))
	}
	return nil
}

// syncView shows for people how contacts are synced by hand.
type syncView struct {
	out    io.Writer
	redact bool // hide email addresses
}

func (v *syncView) paused(hold *contact.Pause) {
	if hold != nil {
		say(v.out, "The sync is paused by %s%s; what is synced by hand is sent all the same.\n", hold.Who, because(hold))
	}
}

func (v *syncView) missing(emails []string) {
	for _, email := range emails {
		say(v.out, "✗ %s  not sent: no contact has this email\n", v.email(email))
	}
}

func (v *syncView) sending(c contact.Contact) {
	say(v.out, "→ %s  %s\n", c.ID, v.email(c.Email))
}

func (v *syncView) done(a app.Attempt) {
	took := a.Took.Round(time.Millisecond)
	switch o := a.Outcome; {
	case !a.Claimed:
		say(v.out, "✗ %s  not sent: there is no such contact, or a replica or an app is working on it at this moment\n", a.ID)
	case o == nil:
	case o.Verdict == contact.Synced:
		verb := "updated"
		if o.Created {
			verb = "created"
		}
		say(v.out, "✓ %s  %s as HubSpot contact %s (%v)\n", a.ID, verb, o.RemoteID, took)
	default:
		message := o.Message
		if v.redact {
			message = redact.Text(message, a.Email)
		}
		say(v.out, "✗ %s  %s: %s (%v)\n", a.ID, o.Code, message, took)
	}
	for _, s := range a.Settled {
		switch s.Final {
		case contact.Final(contact.Retry):
			say(v.out, "  attempt %d failed; the contact is Queued and will be tried again\n", s.Tries+1)
		case contact.Final(contact.Reject), contact.Exhausted:
			say(v.out, "  the contact is in Error; correct it and queue it again\n")
		case contact.Final(contact.Unspent):
			say(v.out, "  the contact is Queued; no attempt was spent\n")
		case contact.Lost:
			say(v.out, "  its claim was lost; nothing was written to the row\n")
		}
	}
}

func (v *syncView) email(email string) string {
	switch {
	case email == "":
		return "(no email)"
	case v.redact:
		return redact.Email(email)
	}
	return email
}
