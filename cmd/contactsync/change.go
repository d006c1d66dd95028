package main

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/scrapersky/contactsync/internal/app"
	"github.com/scrapersky/contactsync/internal/ops"
)

// change is one run of a command that changes contacts for others: it shows how
// far it is, prints the result, and is recorded. Its flags are the same everywhere.
type change struct {
	p      *program
	verb   ops.Verb
	as     string
	asJSON bool
	dryRun bool // where the command has that

	who   string
	store *ops.Store
	bar   *progress
	only  string   // the contact's id where there was one
	count int      // contacts changed
	left  []string // named, and not changed
	after string   // of a backfill: the last id so far

	already int64 // of a backfill: in the queue or in flight before it, and left alone
}

// changed is the result for scripts.
type changed struct {
	Action    ops.Verb `json:"action"`
	DryRun    bool     `json:"dry_run,omitempty"`
	Contacts  int      `json:"contacts"` // changed; with dry_run, to be changed
	LeftAlone []string `json:"left_alone"`
	After     string   `json:"after,omitempty"`          // of a backfill: the last id
	Already   int64    `json:"already_queued,omitempty"` // of a backfill: before it, and left alone
}

func (c *change) flags(cmd *cobra.Command) {
	addWho(cmd, &c.as)
	cmd.Flags().BoolVar(&c.asJSON, "json", false, "the result as JSON, for scripts")
}

// run does the work, prints the result and records it, also when the
// work failed half-way. Detail says what was asked for.
func (c *change) run(ctx context.Context, detail string, work func(ctx context.Context) error) (err error) {
	if c.who, err = c.p.who(c.as); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	return c.p.withStore(ctx, func(store *ops.Store) error {
		c.store = store
		if err := app.Visible(ctx, store, true); err != nil {
			return err
		}
		err := work(ctx)
		if c.bar != nil {
			c.bar.finish()
		}
		if err != nil && ctx.Err() != nil {
			text := "interrupted; what was done stays done"
			if stopped, ok := errors.AsType[*stoppedError](err); ok {
				text += "; " + stopped.goOn
			}
			err = errors.New(text)
		}
		if c.count > 0 && !c.dryRun {
			err = errors.Join(err, c.record(ctx, detail))
		}
		if err != nil && c.count == 0 && len(c.left) == 0 {
			return err
		}
		return errors.Join(c.print(), err)
	})
}

func (c *change) record(ctx context.Context, detail string) error {
	// What was done is recorded although the person had enough of it.
	a := ops.Action{Who: c.who, Action: c.verb, Detail: detail, Rows: c.count}
	if c.count == 1 {
		a.ContactID = c.only
	}
	return c.store.Record(context.WithoutCancel(ctx), a)
}

func (c *change) print() error {
	if c.asJSON {
		left := c.left
		if left == nil {
			left = []string{}
		}
		return c.p.printJSON(changed{c.verb, c.dryRun, c.count, left, c.after, c.already})
	}
	text := map[ops.Verb]string{ops.DidSkip: "skipped"}[c.verb]
	if text == "" {
		text = "queued"
	}
	if c.dryRun {
		text = "would be " + text
	}
	if c.already > 0 {
		text += fmt.Sprintf("; %s queued already and left alone", ops.Count(c.already, "contact was", "contacts were"))
	}
	_, err := say(c.p.stdout, "%s %s\n", contacts(c.count), text)
	return err
}

// begin starts the bar; a negative total is one that nobody knows.
func (c *change) begin(total int) {
	what := "Queueing"
	if c.verb == ops.DidSkip {
		what = "Skipping"
	}
	c.bar = newProgress(c.p.stderr, what, total)
}

// done counts a page: of so many that were asked for these were changed.
func (c *change) done(asked int, ids []string) {
	c.count += len(ids)
	if len(ids) == 1 {
		c.only = ids[0]
	}
	if c.bar != nil {
		c.bar.add(asked)
	}
}

// contacts counts them.
func contacts[N int | int64](n N) string { return ops.Count(n, "contact", "contacts") }

// plural counts them, and begins a sentence about them.
func plural[N int | int64](n N) string { return ops.Count(n, "contact is", "contacts are") }
