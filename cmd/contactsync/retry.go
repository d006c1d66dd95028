package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/queue/admin"
)

func newRetryCommand(p *program) *cobra.Command {
	var (
		all    bool
		code   string
		dryRun bool
	)
	cmd := &cobra.Command{
		Use:   "retry [ID|EMAIL...]",
		Short: "Put failed contacts back into the queue",
		Long: `Put contacts in Error back into the queue, with a fresh budget of attempts: all of them, those with one error
code, or those named. Contacts that are not in Error are left alone.

Error codes: ` + codeList(),
		Example: `  contactsync retry --all --dry-run
  contactsync retry --code INVALID_VALUE
  contactsync retry ada@example.org`,
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
			return p.withDesk(cmd.Context(), func(desk *admin.Desk) error {
				if len(args) > 0 {
					return p.retryNamed(cmd.Context(), desk, args, dryRun)
				}
				return p.retryFailed(cmd.Context(), desk, code, dryRun)
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all contacts in Error")
	cmd.Flags().StringVar(&code, "code", "", "all contacts in Error with this code")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say how many it would be, and change nothing")
	_ = cmd.RegisterFlagCompletionFunc("code", cobra.FixedCompletions(codeNames(), cobra.ShellCompDirectiveNoFileComp))
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
func (p *program) retryFailed(ctx context.Context, desk *admin.Desk, code string, dryRun bool) error {
	total, err := desk.CountFailed(ctx, code)
	if err != nil {
		return err
	}
	if dryRun {
		fmt.Fprintf(p.stdout, "%d contacts would be queued\n", total)
		return nil
	}
	return p.queuePages(ctx, desk, total, func(work func(ids []string) error) error {
		return desk.Failed(ctx, code, work)
	})
}

// retryNamed queues those of the named contacts that are in Error.
func (p *program) retryNamed(ctx context.Context, desk *admin.Desk, args []string, dryRun bool) error {
	ids, missing, err := parseNames(args).find(ctx, desk)
	if err != nil {
		return err
	}
	failed, err := desk.OnlyFailed(ctx, ids)
	if err != nil {
		return err
	}
	if !dryRun {
		if failed, err = desk.Queue(ctx, failed); err != nil {
			return err
		}
	}
	if dryRun {
		fmt.Fprintf(p.stdout, "%d contacts would be queued\n", len(failed))
	} else {
		fmt.Fprintf(p.stdout, "%d contacts queued\n", len(failed))
	}
	for _, id := range ids {
		if !slices.Contains(failed, id) {
			missing = append(missing, id)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("%d contacts are not in Error, or do not exist: %s", len(missing), quoteAll(missing))
	}
	return nil
}
