package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/scrapersky/contactsync/internal/config"
	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/database"
	"github.com/scrapersky/contactsync/internal/drain"
	"github.com/scrapersky/contactsync/internal/hubspot"
	"github.com/scrapersky/contactsync/internal/leader"
	"github.com/scrapersky/contactsync/internal/ops"
	"github.com/scrapersky/contactsync/internal/queue"
	"github.com/scrapersky/contactsync/internal/redact"
)

// manualSlots is how many people may sync by hand at a time.
const manualSlots = 64

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
			m := &manualSync{who: who, link: link{cfg: cfg, log: newLogger(p.stderr, cfg.Log), instance: instanceName()}, out: p.stdout}
			return m.run(cmd.Context(), args)
		},
	}
	addWho(cmd, &as)
	return cmd
}

// manualSync does a leader's work on single contacts. It holds a slot of its
// own, so that its claims are fenced and rescued like any leader's.
type manualSync struct {
	link
	out     io.Writer
	who     string        // for the record
	hold    *contact.Hold // the pause that it overrides
	unknown int           // how many of the names nobody has
	sent    []string      // the ids of those that were sent, or tried to be
}

func (m *manualSync) run(ctx context.Context, args []string) error {
	ctx, cancel := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	if err := m.checkSchema(ctx); err != nil {
		return err
	}
	ids, err := m.find(ctx, args)
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		return errors.New("none of the contacts exists")
	}
	client, err := m.client()
	if err != nil {
		return err
	}
	campaign := leader.Config{
		Connect: m.connect, Destination: destination, First: database.ManualSlot, Slots: manualSlots,
		Instance: m.instance, Log: m.log,
	}
	busy := fmt.Errorf("%d people sync by hand already; try again in a moment", manualSlots)
	err = leadOnce(ctx, context.WithoutCancel(ctx), campaign, busy, func(leading context.Context, s *leader.Session) error {
		m.session.Store(s)
		defer m.session.Store(nil)
		return m.each(leading, ctx, s, client, ids)
	})
	return errors.Join(err, m.record(context.WithoutCancel(ctx)))
}

// record notes what was done, also when the person had enough of it.
func (m *manualSync) record(ctx context.Context) error {
	if len(m.sent) == 0 {
		return nil
	}
	a := ops.Action{Who: m.who, Action: ops.DidSync, Rows: len(m.sent)}
	if len(m.sent) == 1 {
		a.ContactID = m.sent[0]
	}
	if m.hold != nil {
		a.Detail = "while it was paused by " + m.hold.Who
	}
	return storeOf(ctx, m.cfg.Database, func(store *ops.Store) error { return store.Record(ctx, a) })
}

// find turns what the person typed into ids.
func (m *manualSync) find(ctx context.Context, args []string) ([]string, error) {
	pool, err := database.NewPool(ctx, m.cfg.Database.URL.Reveal(), m.instance, 1)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	store := ops.New(pool, target())
	found, missing, err := parseNames(args).find(ctx, store)
	if err != nil {
		return nil, err
	}
	if m.hold, err = store.Hold(ctx); err != nil {
		return nil, err
	}
	if m.hold != nil {
		fmt.Fprintf(m.out, "The sync is paused by %s%s; what is synced by hand is sent all the same.\n", m.hold.Who, because(m.hold))
	}
	for _, email := range missing {
		fmt.Fprintf(m.out, "✗ %s  not sent: no contact has this email\n", m.shown(email))
	}
	m.unknown = len(missing)
	return found, nil
}

func (m *manualSync) each(ctx, stop context.Context, s *leader.Session, client *hubspot.Client, ids []string) (err error) {
	q := m.queueOf(s)
	if err := q.Enter(ctx); err != nil {
		return err
	}
	// An app may have queued a contact again while it was in flight here, and
	// what was released is for the leader: neither rings by itself.
	defer func() {
		if ctx.Err() == nil {
			err = errors.Join(err, q.Leave(ctx))
		}
	}()
	loop := &drain.Loop{
		Queue: q, Destination: client, Log: slog.New(slog.DiscardHandler),
		BatchSize: 1, Slots: 1, CutAfter: m.cfg.ShutdownTimeout - cutBefore,
		// Replicas may leave unchanged contacts alone, whatever this process is told.
		Unchanged: &drain.Unchanged{Hash: client.Fingerprint, Begin: q.Begin, Force: true},
	}
	failed := 0
	for i, id := range ids {
		if stop.Err() != nil {
			return fmt.Errorf("interrupted; %d of %s not sent", len(ids)-i, contacts(len(ids)))
		}
		ok, err := m.one(ctx, stop, loop, q, id)
		if err != nil {
			return err
		}
		if !ok {
			failed++
		}
	}
	if failed += m.unknown; failed > 0 {
		return fmt.Errorf("%d of %s not synced", failed, contacts(len(ids)+m.unknown))
	}
	return nil
}

// one syncs one contact and tells how it went.
func (m *manualSync) one(ctx, stop context.Context, loop *drain.Loop, q *queue.Queue, id string) (ok bool, err error) {
	batch, err := q.ClaimIDs(ctx, []string{id})
	if err != nil {
		return false, err
	}
	if len(batch.Contacts) == 0 {
		fmt.Fprintf(m.out, "✗ %s  not sent: there is no such contact, or a replica or an app is working on it at this moment\n", id)
		return false, nil
	}
	m.sent = append(m.sent, id)
	c := batch.Contacts[0]
	fmt.Fprintf(m.out, "→ %s  %s\n", id, m.shown(c.Email))
	began := time.Now()
	answered, done, err := loop.Process(ctx, stop, batch)
	took := time.Since(began).Round(time.Millisecond)
	if len(answered.Outcomes) == 1 {
		switch o := answered.Outcomes[0]; o.Verdict {
		case contact.Synced:
			verb := "updated"
			if o.Created {
				verb = "created"
			}
			fmt.Fprintf(m.out, "✓ %s  %s as HubSpot contact %s (%v)\n", id, verb, o.RemoteID, took)
			ok = true
		default:
			message := o.Message
			if m.cfg.Log.RedactEmails {
				message = redact.Text(message, c.Email)
			}
			fmt.Fprintf(m.out, "✗ %s  %s: %s (%v)\n", id, o.Code, message, took)
		}
	}
	for _, s := range done {
		switch s.Final {
		case contact.Final(contact.Retry):
			fmt.Fprintf(m.out, "  attempt %d failed; the contact is Queued and will be tried again\n", s.Tries+1)
		case contact.Final(contact.Reject), contact.Exhausted:
			fmt.Fprintln(m.out, "  the contact is in Error; mend it and queue it again")
		case contact.Final(contact.Unspent):
			fmt.Fprintln(m.out, "  the contact is Queued; no attempt was spent")
		case contact.Lost:
			fmt.Fprintln(m.out, "  its claim was lost; nothing was written to the row")
			ok = false
		}
	}
	return ok, err
}

func (m *manualSync) shown(email string) string {
	if email == "" {
		return "(no email)"
	}
	if m.cfg.Log.RedactEmails {
		return redact.Email(email)
	}
	return email
}
