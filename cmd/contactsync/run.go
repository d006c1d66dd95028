package main

import (
	"context"
	"log/slog"
	"math"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/spf13/cobra"

	"github.com/scrapersky/contactsync/internal/app"
)

// gcPercent is how far the heap may grow over what lives in it, where GOGC does
// not say. A drain keeps 4 MB and throws the rest away: with Go's own 100 a third
// of its processor time went into collecting that, for 10 MB less.
const gcPercent = 400

// limitMemory has memory collected more often before a container's limit is reached,
// which would kill the process, where GOMEMLIMIT does not say when.
func limitMemory(ctx context.Context, log *slog.Logger, of memlimit.Provider) {
	switch limit, err := memlimit.Set(memlimit.WithProvider(of)); {
	case err != nil: // there are no control groups
		log.DebugContext(ctx, "the container's memory limit is not known: set GOMEMLIMIT below it", "error", err)
	case limit != math.MaxInt64:
		log.InfoContext(ctx, "memory limit taken from the container", "bytes", limit)
	}
}

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
			log := newLogger(p.stderr, cfg.Log)
			if _, set := p.env.Lookup("GOMEMLIMIT"); !set {
				limitMemory(cmd.Context(), log, memlimit.FromCgroup)
			}
			asked := make(chan os.Signal, 3) // the third one means something, too
			signal.Notify(asked, syscall.SIGTERM, syscall.SIGINT)
			defer signal.Stop(asked)
			a, err := app.Build(cmd.Context(), cfg, app.Options{
				Version: shortVersion(), Env: p.env.Lookup, Log: log,
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
