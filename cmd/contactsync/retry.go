package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/ops"
)

func newRetryCommand(p *program) *cobra.Command {
	var all bool
	var code string
	c := &change{p: p, verb: ops.DidRetry}
	cmd := &cobra.Command{
		Use:   "retry [ID|EMAIL...]",
		Short: "Put failed contacts back into the queue",
		Long: `Put contacts in Error back into the queue, with a fresh budget of attempts: all of them, those with one error
code, or those named. Contacts that are not in Error are left alone.

Error codes: ` + codeList(),
		Example: `  contactsync retry --all --dry-run
  contactsync retry --code INVALID_VALUE
  contactsync retry ada@example.org --json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			code = strings.ToUpper(strings.TrimSpace(code))
			switch {
			case code != "" && !slices.Contains(contact.Codes(), contact.Code(code)):
				return usagef("there is no error code %s; the codes are %s", code, codeList())
			case len(args) == 0 && !all && code == "":
				return usagef("say which contacts: --all, --code, or ids and emails")
			case len(args) > 0 && (all || code != ""):
				return usagef("ids and emails go neither with --all nor with --code")
			}
			if len(args) > 0 {
				return c.run(cmd.Context(), "", func(ctx context.Context) error { return c.retryNamed(ctx, args) })
			}
			return c.run(cmd.Context(), cmp.Or(code, "all"), func(ctx context.Context) error { return c.retryFailed(ctx, code) })
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all contacts in Error")
	cmd.Flags().StringVar(&code, "code", "", "all contacts in Error with this code")
	cmd.Flags().BoolVar(&c.dryRun, "dry-run", false, "say how many it would be, and change nothing")
	_ = cmd.RegisterFlagCompletionFunc("code", cobra.FixedCompletions(codeNames(), cobra.ShellCompDirectiveNoFileComp))
	c.flags(cmd)
	return cmd
}

func codeNames() []string {
	var list []string
	for _, code := range contact.Codes() {
		list = append(list, string(code))
	}
	return list
}

func codeList() string { return strings.Join(codeNames(), " ") }

// retryFailed queues every contact in Error, or those with a code.
func (c *change) retryFailed(ctx context.Context, code string) error {
	total, err := c.store.Count(ctx, ops.Filter{Status: ops.StatusError, Code: code}, "")
	if err != nil {
		return err
	}
	if c.dryRun {
		c.count = total
		return nil
	}
	c.begin(total)
	return c.store.RetryFailed(ctx, code, func(ids []string) error {
		c.done(len(ids), ids)
		return nil
	})
}

// retryNamed queues those of the named contacts that are in Error.
func (c *change) retryNamed(ctx context.Context, args []string) error {
	wanted, err := readNames(ctx, c.store, args)
	if err != nil {
		return err
	}
	ids, missing, err := wanted.find(ctx, c.store)
	if err != nil {
		return err
	}
	failed, err := c.store.Select(ctx, ops.Filter{Status: ops.StatusError, IDs: ids}, "", len(ids))
	if err != nil {
		return err
	}
	if !c.dryRun {
		if failed, err = c.store.Queue(ctx, failed); err != nil {
			return err
		}
	}
	c.done(len(args), failed)
	c.left = wanted.left(ids, failed, missing)
	if len(c.left) > 0 {
		return fmt.Errorf("%s: %s", ops.Count(len(c.left), "contact is not in Error, or does not exist", "contacts are not in Error, or do not exist"), quoteAll(c.left))
	}
	return nil
}
