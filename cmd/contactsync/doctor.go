package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/scrapersky/contactsync/internal/config"
	"github.com/scrapersky/contactsync/internal/database"
	"github.com/scrapersky/contactsync/internal/doctor"
	"github.com/scrapersky/contactsync/internal/hubspot"
	"github.com/scrapersky/contactsync/internal/queue/columns"
)

func newDoctorCommand(p *program) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look everything over, and say what is wrong and what to do about it",
		Long: `Look over the database, the queue and the HubSpot account with the settings of this process. Every check runs,
whatever the others find, and each that finds something names its remedy. Nothing is changed anywhere: HubSpot is
asked about a dozen times, and one notification is sent that nobody else hears.

Exit code 1 if a check failed; a warning is none.`,
		Example: `  contactsync doctor
  contactsync doctor --json | jq '.checks[] | select(.status == "failed")'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := load[config.Config](cmd.Context(), p, settingsFile)
			if err != nil {
				return err
			}
			return p.examine(cmd.Context(), cfg, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON, for scripts")
	return cmd
}

// examine makes all checks and shows each as it ends, or all of them as JSON.
func (p *program) examine(ctx context.Context, cfg config.Config, asJSON bool) error {
	ctx, cancel := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	pool, err := database.NewPool(ctx, cfg.Database.URL.Reveal(), instanceName(), 1)
	if err != nil {
		return err
	}
	defer pool.Close()
	checks, err := allChecks(ctx, cfg, pool, newLogger(p.stderr, quietly(cfg.Log)))
	if err != nil {
		return err
	}

	sheet := newSheet(checks)
	view := newDoctorView(p.stdout, checks)
	doctor.Run(ctx, checks, func(r doctor.Result) {
		sheet.add(r)
		if !asJSON {
			view.show(r)
		}
	})
	if asJSON {
		if err := p.printJSON(sheet); err != nil {
			return err
		}
	} else {
		view.sum(sheet)
	}
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted")
	case sheet.Failed > 0:
		return fmt.Errorf("%d of %d checks failed", sheet.Failed, len(sheet.Checks))
	}
	return nil
}

// allChecks is every check there is.
func allChecks(ctx context.Context, cfg config.Config, pool *pgxpool.Pool, log *slog.Logger) ([]doctor.Check, error) {
	mapped := cfg.HubSpot.Properties.Map.Columns()
	checks := doctor.Database{
		Pool: pool, URL: cfg.Database.URL.Reveal(), DirectURL: cfg.Database.DirectURL.Reveal(), Name: instanceName(),
		Destination: destination, Remedy: remedyFor, Further: mapped, Schema: schemaOptions(cfg.Database.Contacts),
	}.Checks()
	account, err := accountChecks(cfg, kinds(ctx, pool, mapped), log)
	return append(checks, account...), err
}

// kinds looks up what the further columns hold. A check of its own tells why that
// is not known.
func kinds(ctx context.Context, pool *pgxpool.Pool, mapped []string) columns.List {
	if len(mapped) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	list, _ := columns.Find(ctx, pool, mapped)
	return list
}

func accountChecks(cfg config.Config, further columns.List, log *slog.Logger) ([]doctor.Check, error) {
	if cfg.HubSpot.APIKey.IsZero() {
		return doctor.WithoutKey(), nil
	}
	var gauge *hubspot.Gauge
	client, err := lookingClient(cfg, further, log, func(base http.RoundTripper) http.RoundTripper {
		gauge = hubspot.NewGauge(base)
		return gauge
	})
	if err != nil {
		return nil, err
	}
	return doctor.HubSpot{Client: client, Gauge: gauge, PortalID: cfg.HubSpot.PortalID, Rate: cfg.HubSpot.RatePer10s}.Checks(), nil
}

// lookingClient makes a client for a command that looks at the account while
// replicas work: it takes a share of the rate limit as if it were one of them.
func lookingClient(cfg config.Config, further columns.List, log *slog.Logger, guard func(http.RoundTripper) http.RoundTripper) (*hubspot.Client, error) {
	shares := min(cfg.Sync.MaxInstances+1, cfg.HubSpot.RatePer10s)
	return newHubSpotClient(cfg.HubSpot, further, shares, log, guard)
}

// quietly is the log of a command whose result goes to standard output.
func quietly(cfg config.Log) config.Log {
	cfg.Level = max(cfg.Level, slog.LevelWarn)
	return cfg
}

// sheet is what doctor found. Its JSON form is what scripts read.
type sheet struct {
	OK         bool         `json:"ok"` // no check failed, and none was left out
	Fine       int          `json:"fine"`
	Warnings   int          `json:"warnings"`
	Failed     int          `json:"failed"`
	NotChecked int          `json:"not_checked"`
	Checks     []sheetCheck `json:"checks"`
}

type sheetCheck struct {
	Area   string       `json:"area"`
	Name   string       `json:"name"`
	Status doctor.Level `json:"status"`
	Found  string       `json:"found"`
	Remedy string       `json:"remedy,omitempty"`
	TookMS int64        `json:"took_ms"`
}

func newSheet(checks []doctor.Check) *sheet {
	return &sheet{OK: true, Checks: make([]sheetCheck, 0, len(checks))}
}

func (s *sheet) add(r doctor.Result) {
	s.Checks = append(s.Checks, sheetCheck{r.Area, r.Name, r.Level, r.Found, r.Remedy, r.Took.Milliseconds()})
	switch r.Level {
	case doctor.OK:
		s.Fine++
	case doctor.Warning:
		s.Warnings++
	case doctor.Failed:
		s.Failed++
		s.OK = false
	default:
		s.NotChecked++
		s.OK = false
	}
}
