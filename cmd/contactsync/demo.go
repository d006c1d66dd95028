package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/scrapersky/contactsync/internal/lab/demo"
)

func newDemoCommand(p *program) *cobra.Command {
	var lasts time.Duration
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch contacts arrive, without any account",
		Long: `Start a throw-away Postgres (in Docker, from the server programs of this machine, or from downloaded ones), a HubSpot
simulator and three replicas, queue contacts, and show them arrive. The leader is killed once, to show the take-over. Settings and
.env are not read, and nothing is left behind but downloaded programs. CONTACTSYNC_POSTGRES_BINARIES_URL says where these come
from: a Maven repository, or a copy of the part io/zonky/test/postgres of one.`,
		Example: `  contactsync demo
  contactsync demo --for 20s`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if lasts < 0 {
				return usagef("--for takes a time like 20s")
			}
			self, err := os.Executable()
			if err != nil {
				return fmt.Errorf("find this program: %w", err)
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			return demo.Run(ctx, demo.Options{Program: self, For: lasts, Out: p.stdout, Color: colorful(p.stdout)})
		},
	}
	cmd.Flags().DurationVar(&lasts, "for", 0, "end by itself after this time; 0 waits for Ctrl-C")
	return cmd
}
