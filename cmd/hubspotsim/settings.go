package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	_ "time/tzdata" // -time-zone has to work in an image without zone files
)

// settings are given as flags, or by the environment: -time-zone is
// HUBSPOTSIM_TIME_ZONE. A flag outranks the environment.
type settings struct {
	addr        string
	token       string
	portal      int64
	timeZone    string
	latency     time.Duration
	rate, daily int
	keep        int
	bare        bool
	healthcheck bool
}

const envPrefix = "HUBSPOTSIM_"

// parse reads the settings. Every mistake in the environment is named at once.
// After -help the error is flag.ErrHelp.
func parse(args []string, lookup func(string) (string, bool), out io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("hubspotsim", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&s.addr, "addr", "127.0.0.1:8090", "`address` to listen on; the control API asks for no password")
	flags.StringVar(&s.token, "token", "simulator", "the only bearer `token` that is let in")
	flags.Int64Var(&s.portal, "portal", 1234567, "`id` of the portal")
	flags.StringVar(&s.timeZone, "time-zone", "UTC", "the portal's `zone`, whose midnight ends the day of -daily")
	flags.DurationVar(&s.latency, "latency", 0, "`time` added to every answer")
	flags.IntVar(&s.rate, "rate", 0, "requests let through in any 10 s, 0: unlimited")
	flags.IntVar(&s.daily, "daily", 0, "requests let through in a day, 0: unlimited")
	flags.IntVar(&s.keep, "keep", 20_000, "`requests` remembered for /_sim/requests")
	flags.BoolVar(&s.bare, "bare", false, "leave out contactsync's custom properties: a portal nobody has set up yet")
	flags.BoolVar(&s.healthcheck, "healthcheck", false, "ask the simulator at -addr whether it is well, exit 0 or 1")

	var errs []error
	flags.VisitAll(func(f *flag.Flag) {
		name := envPrefix + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value, ok := lookup(name)
		if !ok || value == "" {
			return
		}
		if err := flags.Set(f.Name, value); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	})
	if err := errors.Join(errs...); err != nil {
		return settings{}, err
	}
	if err := flags.Parse(args); err != nil {
		return settings{}, fmt.Errorf("flags: %w", err)
	}
	if flags.NArg() > 0 {
		return settings{}, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return s, s.validate()
}

func (s settings) validate() error {
	var errs []error
	if _, err := time.LoadLocation(s.timeZone); err != nil {
		errs = append(errs, fmt.Errorf("-time-zone: %w", err))
	}
	if s.latency < 0 || s.rate < 0 || s.daily < 0 || s.keep < 1 {
		errs = append(errs, errors.New("-latency, -rate and -daily must not be negative, -keep must be positive"))
	}
	return errors.Join(errs...)
}
