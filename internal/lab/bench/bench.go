package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// Options says what to measure and where.
type Options struct {
	Program string // the contactsync binary that the replicas run
	Version string // its version, for the report
	Peers   string // the program of internal/lab/bench/peers; empty measures none

	// Profiles is a folder: the replicas run in this process then, by Within, and a
	// profile of each measurement is written there. Empty for none.
	Profiles string
	Within   func(ctx context.Context, env []string, log io.Writer) error

	DatabaseURL string // of the server; empty starts a throw-away one

	Names  []string // of the measurements; none for all
	Quick  bool     // small sizes: seconds, to see that it works
	Rounds int      // 0 for each measurement's own number

	Progress io.Writer // a line for each round of each case
	Log      *slog.Logger

	// Earlier is a report to keep what is not measured again; nil for none.
	Earlier *Report

	// Save is called after each measurement with all there is so far, so that
	// hours of work are not lost with the last one.
	Save func(Report) error
}

// limits bound a measurement that hangs: the others are still to come.
const (
	quickLimit = 2 * time.Minute
	fullLimit  = 45 * time.Minute
)

// measurement is one thing to measure.
type measurement struct {
	Name, Title, How string
	rounds           int    // of a full run
	needsProcesses   bool   // it ends replicas, or looks at what each uses
	lasts            string // a full run, for people
	run              func(ctx context.Context, m *recorder) error
}

// all is every measurement there is, in the order in which they run.
func all() []measurement {
	return []measurement{latency, drained, ceiling, writing, unrelated, growth, failover, idle, steady, replicas}
}

// place is the position of a measurement in the report.
func place(name string) int {
	return slices.IndexFunc(all(), func(m measurement) bool { return m.Name == name })
}

// Info describes a measurement.
type Info struct{ Name, Title, Lasts string }

// List describes every measurement.
func List() []Info {
	var list []Info
	for _, m := range all() {
		list = append(list, Info{m.Name, m.Title, m.lasts})
	}
	return list
}

// Known says which of the names are no measurement's.
func Known(names []string) error {
	for _, name := range names {
		if place(name) < 0 {
			var known []string
			for _, m := range all() {
				known = append(known, m.Name)
			}
			return fmt.Errorf("there is no measurement %q; there are %s", name, strings.Join(known, ", "))
		}
	}
	return nil
}

// Run measures. A measurement that fails is noted in the report and does not keep
// the others from being made; the error then names them all. Whatever happens,
// and also when ctx ends, nothing is left behind on the server.
func Run(ctx context.Context, opt Options) (report Report, err error) {
	s, err := openEnvironment(ctx, opt)
	if err != nil {
		return report, err
	}
	defer func() {
		if closing := s.close(ctx); closing != nil {
			err = errors.Join(err, fmt.Errorf("clean up: %w", closing))
		}
	}()
	report = Report{Machine: thisMachine()}
	if report.Postgres, err = thisPostgres(ctx, s.admin); err != nil {
		return report, fmt.Errorf("ask the server what it is: %w", err)
	}
	report.Postgres.Throwaway = s.server != nil
	if opt.Earlier != nil {
		if err := report.Keep(*opt.Earlier); err != nil {
			return report, err
		}
	}
	tell := teller(opt.Progress)
	tell("PostgreSQL %s (fsync %s, synchronous_commit %s), %d cores", report.Postgres.Version,
		report.Postgres.Fsync, report.Postgres.SynchronousCommit, report.Machine.Cores)
	var failed []error
	for _, what := range all() {
		if len(opt.Names) > 0 && !slices.Contains(opt.Names, what.Name) {
			continue
		}
		if len(opt.Names) == 0 && opt.Profiles != "" && what.needsProcesses {
			tell("%s  left out: %v", what.Name, errNeedsProcesses)
			continue
		}
		found, err := s.measure(ctx, opt, what, tell)
		if ctx.Err() != nil {
			return report, errors.Join(context.Cause(ctx), errors.Join(failed...))
		}
		if err != nil {
			tell("%s  failed: %v", what.Name, err)
			failed = append(failed, fmt.Errorf("%s: %w", what.Name, err))
		}
		report.replace(found)
		if opt.Save != nil {
			if err := opt.Save(report); err != nil {
				return report, err
			}
		}
	}
	return report, errors.Join(failed...)
}

// measure makes one measurement.
func (s *environment) measure(ctx context.Context, opt Options, what measurement, tell func(format string, args ...any)) (Measurement, error) {
	limit := fullLimit
	if opt.Quick {
		limit = quickLimit
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("it took longer than %s", limit))
	defer cancel()
	began := time.Now()
	m := &recorder{environment: s, Measurement: &Measurement{
		Name: what.Name, Title: what.Title, How: what.How, At: began.UTC().Truncate(time.Second),
		Version: opt.Version, Quick: opt.Quick, Rounds: what.rounds,
	}}
	m.say = func(format string, args ...any) { tell(what.Name+"  "+format, args...) }
	switch {
	case opt.Rounds > 0:
		m.Rounds = opt.Rounds
	case opt.Quick:
		m.Rounds = 1
	}
	if opt.Profiles != "" {
		m.note("Taken with a profile: the replicas ran within the process of the simulator and the apps.")
	}
	err := s.profiled(what, func() error { return what.run(ctx, m) })
	m.Seconds = time.Since(began).Seconds()
	m.finish()
	if err != nil {
		m.Error = err.Error()
	}
	return *m.Measurement, err
}

func (r *Report) replace(found Measurement) {
	r.Measurements = slices.DeleteFunc(r.Measurements, func(m Measurement) bool { return m.Name == found.Name })
	r.Measurements = append(r.Measurements, found)
	slices.SortStableFunc(r.Measurements, func(a, b Measurement) int { return place(a.Name) - place(b.Name) })
}

// teller tells of progress, with the time since the start.
func teller(out io.Writer) func(format string, args ...any) {
	began := time.Now()
	return func(format string, args ...any) {
		_, _ = fmt.Fprintf(out, "%6.1f s  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	}
}
