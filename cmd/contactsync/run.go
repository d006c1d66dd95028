package main

import (
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/scrapersky/contactsync/internal/app"
)

// gcPercent is how far the heap may grow over what lives in it, where GOGC does
// not say. A drain keeps 4 MB and throws the rest away: with Go's own 100 a third
// of its processor time went into collecting that, for 10 MB less.
const gcPercent = 400

func newRunCommand(p *program) *cobra.Command {
	var once bool
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Sync queued contacts as they come",
		Long: `Sync queued contacts to HubSpot as they come, until SIGTERM or SIGINT.

Start as many replicas as you like: one leads, the others wait to take over. Settings come from the
environment, and from a file .env in the working directory where there is one. Without HUBSPOT_API_KEY
the process stays up and does nothing.

With --once it syncs what is due and ends. Beside a process that leads it changes nothing: it ends with exit code 1 and
"another process leads and syncs what is queued".`,
		Example: `  contactsync run
  contactsync run --once    # sync what is due now, then end; for a cron job`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := p.loadWithFile(cmd.Context(), settingsFile)
			if err != nil {
				return err
			}
			if _, set := p.env.Lookup("GOGC"); !set {
				debug.SetGCPercent(gcPercent)
			}
			asked := make(chan os.Signal, 3) // the third one means something, too
			signal.Notify(asked, syscall.SIGTERM, syscall.SIGINT)
			defer signal.Stop(asked)
			a, err := app.Build(cmd.Context(), cfg, app.Options{
				Version: shortVersion(), Env: p.env.Lookup, Log: newLogger(p.stderr, cfg.Log),
			})
			if err != nil {
				return err
			}
			defer a.Close(cmd.Context())
			if once {
				return a.RunOnce(cmd.Context(), asked)
			}
			return a.Run(cmd.Context(), asked)
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "sync what is due now, then end")
	return cmd
}
