package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/scrapersky/contactsync/internal/app"
	"github.com/scrapersky/contactsync/internal/config"
	"github.com/scrapersky/contactsync/internal/database"
	"github.com/scrapersky/contactsync/internal/doctor"
)

func newDoctorCommand(p *program) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look everything over, and say what is wrong and what to do about it",
		Long: `Look over the database, the queue and the HubSpot account with the settings of this process. Every check runs,
whatever the others find, and each that finds something names its remedy. Nothing is changed anywhere: HubSpot is
asked about a dozen times, one notification is sent that nobody else hears, and up to five contacts are claimed and
settled in a transaction that is rolled back, to see what of the app's is against that.

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
	pool, err := database.NewPool(ctx, cfg.Database.URL.Reveal(), app.InstanceName(), 1)
	if err != nil {
		return err
	}
	defer pool.Close()
	checks, err := app.Checks(ctx, cfg, pool, newLogger(p.stderr, quietly(cfg.Log)))
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
