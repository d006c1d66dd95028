package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"github.com/scrapersky/contactsync/internal/app"
	"github.com/scrapersky/contactsync/internal/config"
	"github.com/scrapersky/contactsync/internal/rowsecurity"
	"github.com/scrapersky/contactsync/internal/schema"
)

func newMigrateGrantCommand(p *program) *cobra.Command {
	var readOnly, text, policies bool
	cmd := &cobra.Command{
		Use:   "grant ROLE",
		Short: "Let a role of the database do the work, and nothing else",
		Long: `Give a role of the database what run, sync, queue, retry and status need, and nothing else: it can neither insert
nor delete contacts, nor change their names and emails, nor the schema. It may read the columns of HUBSPOT_PROPERTY_MAP, BREVO_ATTRIBUTE_MAP
and N8N_FIELD_MAP,
which is to be set here as for the processes. With --read-only it may look: status, the views.
Where row security hides rows from the role, it shows the policies that let the role see them; with --policies it
creates them. What a restrictive policy hides it leaves alone, and says how people may let it through.
The role must exist; what it may do already it keeps. Needs the URL of the owner, like "up", which from then on gives
the role what a later version adds. To take everything back: DROP OWNED BY ROLE, as the owner of the role.`,
		Example: `  contactsync migrate grant contactsync_worker
  contactsync migrate grant --policies contactsync_worker
  contactsync migrate grant --read-only contactsync_reader
  contactsync migrate grant --sql contactsync_worker | psql "$DATABASE_URL"`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			role, rights := args[0], schema.Worker
			if readOnly {
				rights = schema.Reader
			}
			if role == "" || strings.ContainsRune(role, 0) {
				return usagef("expected the name of a role, for example contactsync_worker")
			}
			if text {
				return p.printGrant(cmd.Context(), role, rights, policies)
			}
			return p.migrate(cmd.Context(), func(ctx context.Context, url string, o schema.Options, log *slog.Logger) error {
				err := schema.Grant(ctx, url, o, role, rights, log)
				if errors.Is(err, schema.ErrNoRole) {
					return fmt.Errorf("%w: create it first: CREATE ROLE %s LOGIN PASSWORD '...'", err, pgx.Identifier{role}.Sanitize())
				}
				if err != nil {
					return err
				}
				if err := p.grantMapped(ctx, url, o, log); err != nil {
					return err
				}
				return p.letSee(ctx, url, o, role, rights, policies, log)
			})
		},
	}
	cmd.Flags().BoolVar(&readOnly, "read-only", false, "only what status and the views need")
	cmd.Flags().BoolVar(&policies, "policies", false, "where row security hides rows from the role, create policies that let it see them")
	cmd.Flags().BoolVar(&text, "sql", false, "print the SQL instead of running it")
	return cmd
}

// letSee says whether the role sees what it may read, and creates policies for that
// where they are asked for: what the role can do without them is not the job.
func (p *program) letSee(ctx context.Context, url string, o schema.Options, role string, rights schema.Rights, policies bool, log *slog.Logger) error {
	if policies {
		ran, err := schema.AddPolicies(ctx, url, o, role, rights, log)
		if err != nil {
			return err
		}
		for _, sql := range ran {
			say(p.stdout, "%s\n", sql)
		}
	}
	hidden, err := schema.Hidden(ctx, url, o, role, rights, log)
	if err != nil {
		return err
	}
	if len(hidden) == 0 {
		_, err = say(p.stdout, "%s may do a %s's job\n", role, rights)
		return err
	}
	way := `run "contactsync migrate grant --policies", or this`
	if len(rowsecurity.Missing(hidden)) == 0 {
		way = "somebody has to decide for this; --policies leaves it alone"
	}
	say(p.stdout, "%s has a %s's rights, but %s.\nTo let it see every row, %s:\n", role, rights, rowsecurity.Words(hidden), way)
	for _, sql := range rowsecurity.SQL(hidden) {
		say(p.stdout, "  %s\n", ours(sql)) // to be run as it is
	}
	if contacts := rowsecurity.Contacts(hidden); contacts != nil && !contacts.EveryRow {
		return nil // the policies that there are may let through what is to be synced
	}
	return fmt.Errorf("role %s cannot do a %s's job: row security", role, rights)
}

// mapped are the columns that a setting maps.
type mapped struct {
	variable string
	columns  []string
}

// mappedColumns are those of each setting that maps some.
func (p *program) mappedColumns(ctx context.Context) (list []mapped, err error) {
	cfg, err := load[struct {
		HubSpot config.Properties
		Brevo   config.Attributes
		Webhook config.Fields
	}](ctx, p, settingsFile)
	for _, m := range []mapped{{app.PropertyMap, cfg.HubSpot.Map.Columns()}, {app.AttributeMap, cfg.Brevo.Map.Columns()}, {app.FieldMap, cfg.Webhook.Map.Columns()}} {
		if len(m.columns) > 0 {
			list = append(list, m)
		}
	}
	return list, err
}

// printGrant shows the SQL of a grant.
func (p *program) printGrant(ctx context.Context, role string, rights schema.Rights, policies bool) error {
	extra, err := p.mappedColumns(ctx)
	if err != nil {
		return err
	}
	o, err := p.schemaOptions(ctx)
	if err != nil {
		return err
	}
	var text strings.Builder
	text.WriteString(schema.GrantText(role, rights, o))
	for _, m := range extra {
		text.WriteString("\n-- The columns of " + m.variable + ".\n" + schema.GrantColumnsText(role, m.columns, o))
	}
	if policies {
		text.WriteString("\n" + schema.PoliciesText(role, rights, o))
	}
	_, err = say(p.stdout, "%s", ours(text.String())) // SQL, which has to stay what it is
	return err
}

// grantMapped lets the roles that may do contactsync's work read the columns that
// are mapped.
func (p *program) grantMapped(ctx context.Context, url string, o schema.Options, log *slog.Logger) error {
	extra, err := p.mappedColumns(ctx)
	for _, m := range extra {
		if err == nil {
			err = app.MappingError(m.variable, schema.GrantColumns(ctx, url, o, m.columns, log))
		}
	}
	return err
}
