package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/scrapersky/contactsync/internal/config"
	"github.com/scrapersky/contactsync/internal/lab/bench"
)

// benchFlags are what the command was asked for.
type benchFlags struct {
	list, quick, throwaway bool
	rounds                 int
	json, markdown, plots  string
	program                string
	peers, profile         string
}

func newCommand(p *program) *cobra.Command {
	var flags benchFlags
	cmd := &cobra.Command{
		Use:   "bench [NAME...]",
		Short: "Measure what contactsync does on this machine",
		Long: `Measure how soon contacts are at HubSpot, how many a second, and what that costs the apps that write: all measurements,
or those named. HubSpot is a simulator in this process; the replicas are processes of the program contactsync: the one
beside this one, else the one on PATH, or --program.

With DATABASE_URL in the environment (a file .env is not read) the server is that one: databases of its own are created
there and dropped in the end, and no table that exists is touched, but whoever works on that server will feel it. The
role must be allowed to create databases. Without DATABASE_URL, or with --throwaway, a throw-away Postgres is started,
with commits that are safe on disk.

All of it takes an hour and a quarter on two cores (--list says how long each takes), and 8 GB of disk. --quick shows in
minutes that it works; its figures are nothing to go by. The table goes to stdout, progress to stderr.

Exit codes: 0 done, 1 failed, 2 usage or configuration.`,
		Example: `  bench --list
  bench --quick
  bench latency drain --json results.json
  bench drain --program /usr/local/bin/contactsync
  bench drain --rounds 1 --profile .    # go tool pprof -top drain.cpu.pprof
  bench --throwaway --json results.json --markdown docs/bench.md --plots docs/bench`,
		Args:          cobra.ArbitraryArgs,
		SilenceErrors: true, // execute prints them, once
		SilenceUsage:  true,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, m := range bench.List() {
				names = append(names, m.Name+"\t"+m.Title)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if flags.list {
				p.started = true
				return p.listMeasurements()
			}
			if err := bench.Known(args); err != nil {
				return err
			}
			if flags.rounds < 0 {
				return errors.New("--rounds takes a number from 1")
			}
			p.started = true
			return p.bench(cmd.Context(), flags, args)
		},
	}
	cmd.SetOut(p.stdout)
	cmd.SetErr(p.stderr)
	cmd.Flags().BoolVar(&flags.list, "list", false, "list the measurements, and measure nothing")
	cmd.Flags().BoolVar(&flags.quick, "quick", false, "small sizes, to see that it works")
	cmd.Flags().IntVar(&flags.rounds, "rounds", 0, "how many rounds; 0 for each measurement's own number")
	cmd.Flags().BoolVar(&flags.throwaway, "throwaway", false, "measure on a throw-away Postgres, also with DATABASE_URL")
	cmd.Flags().StringVar(&flags.program, "program", "", "the contactsync to measure (default: the one beside this program, else on PATH)")
	cmd.Flags().StringVar(&flags.json, "json", "", "write the results into this file; what it has of other measurements stays")
	cmd.Flags().StringVar(&flags.markdown, "markdown", "", "write the tables into this page, between its marks")
	cmd.Flags().StringVar(&flags.plots, "plots", "", "write the plots into this folder, as SVG")
	cmd.Flags().StringVar(&flags.peers, "peers", "", "the program of internal/lab/bench/peers: measure other queues beside this one (make bench)")
	cmd.Flags().StringVar(&flags.profile, "profile", "", "run the replicas within this process, and write profiles into this folder (go tool pprof)")
	cmd.MarkFlagsMutuallyExclusive("program", "profile") // what runs within this process is this build
	return cmd
}

func (p *program) listMeasurements() error {
	table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, m := range bench.List() {
		fmt.Fprintf(table, "%s\t%s\tabout %s\n", m.Name, m.Title, m.Lasts)
	}
	return table.Flush()
}

func (p *program) bench(ctx context.Context, flags benchFlags, names []string) error {
	opt := bench.Options{
		Names: names, Quick: flags.quick, Rounds: flags.rounds,
		Progress: p.stderr, Log: slog.New(slog.DiscardHandler),
		Save: flags.save,
	}
	var err error
	if flags.profile != "" {
		opt.Profiles, opt.Within, opt.Version = flags.profile, replicaWithin, ownVersion()
	} else {
		if opt.Program, err = findProgram(flags.program); err != nil {
			return err
		}
		if opt.Version, err = versionOf(ctx, opt.Program); err != nil {
			return err
		}
	}
	if flags.peers != "" {
		if opt.Peers, err = filepath.Abs(flags.peers); err != nil {
			return fmt.Errorf("find the peers: %w", err)
		}
	}
	if !flags.throwaway {
		if opt.DatabaseURL, err = p.databaseToMeasure(ctx); err != nil {
			return err
		}
	}
	if flags.json != "" {
		earlier, found, err := bench.ReadReport(flags.json)
		if err != nil {
			return err
		}
		if found {
			opt.Earlier = &earlier
		}
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	report, err := bench.Run(ctx, opt)
	if ctx.Err() != nil {
		return errors.Join(errors.New("interrupted; the databases of the measurements are gone"), err)
	}
	if len(report.Measurements) > 0 {
		fmt.Fprint(p.stdout, report.Markdown(""))
	}
	return err
}

// databaseToMeasure is DATABASE_URL's, past a pooler; empty where it is not set.
func (p *program) databaseToMeasure(ctx context.Context) (string, error) {
	url, found := p.env.Lookup("DATABASE_URL")
	if !found || strings.TrimSpace(url) == "" {
		return "", nil
	}
	cfg, err := config.Part[config.Database](ctx, p.env)
	return cfg.DirectURL.Reveal(), err
}

// save writes what was asked for.
func (f benchFlags) save(report bench.Report) error {
	if f.json != "" {
		if err := report.WriteJSON(f.json); err != nil {
			return err
		}
	}
	if f.plots != "" {
		if err := report.WritePlots(f.plots); err != nil {
			return err
		}
	}
	if f.markdown == "" {
		return nil
	}
	plots := ""
	if f.plots != "" {
		var err error
		if plots, err = filepath.Rel(filepath.Dir(f.markdown), f.plots); err != nil {
			return fmt.Errorf("link the plots: %w", err)
		}
	}
	return report.WriteMarkdown(f.markdown, filepath.ToSlash(plots))
}
