package bench

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
)

// errNeedsProcesses says why a measurement has no profile.
var errNeedsProcesses = errors.New("it ends replicas or looks at what each uses, which takes processes of their own: leave --profile away")

// profiled runs a measurement and writes down where this process spent its time
// and what it allocated meanwhile, if that was asked for. The simulator and the
// apps are in it, too: look at the packages of the program, pprof -focus=drain.
func (s *environment) profiled(what measurement, run func() error) (err error) {
	if s.opt.Profiles == "" {
		return run()
	}
	if what.needsProcesses {
		return errNeedsProcesses
	}
	cpu, err := os.Create(filepath.Join(s.opt.Profiles, what.Name+".cpu.pprof"))
	if err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	defer func() { err = errors.Join(err, cpu.Close()) }()
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	err = run()
	pprof.StopCPUProfile()
	memory, creating := os.Create(filepath.Join(s.opt.Profiles, what.Name+".allocs.pprof"))
	if creating != nil {
		return errors.Join(err, fmt.Errorf("profile: %w", creating))
	}
	return errors.Join(err, pprof.Lookup("allocs").WriteTo(memory, 0), memory.Close())
}
