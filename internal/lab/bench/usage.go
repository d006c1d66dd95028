package bench

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// usage is what a process has used of the machine. It is unknown where there is
// no /proc.
type usage struct {
	cpu    time.Duration // so far
	memory int64         // resident now, in bytes
	known  bool
}

// tick is the unit in which /proc counts processor time, on every Linux.
const tick = 10 * time.Millisecond

func usageOf(pid int) usage {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return usage{}
	}
	// The name stands in parentheses and may hold blanks; what follows has none.
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	const user, system = 11, 12 // utime and stime, counted from the state
	if len(fields) <= system {
		return usage{}
	}
	u, userErr := strconv.ParseInt(fields[user], 10, 64)
	s, systemErr := strconv.ParseInt(fields[system], 10, 64)
	kilobytes, memoryErr := strconv.ParseInt(strings.TrimSuffix(field(fmt.Sprintf("/proc/%d/status", pid), "VmRSS"), " kB"), 10, 64)
	return usage{
		cpu: time.Duration(u+s) * tick, memory: kilobytes * 1024,
		known: userErr == nil && systemErr == nil && memoryErr == nil,
	}
}
