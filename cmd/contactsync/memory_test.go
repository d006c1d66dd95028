package main

import (
	"bytes"
	"log/slog"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// The collector is told of a container's limit, with a tenth to spare, and of none
// where there is none. Not parallel: the limit is the process's.
func TestMemoryLimitOfTheContainer(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "")
	t.Setenv("AUTOMEMLIMIT", "0.9")
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, nil))
	limitMemory(t.Context(), log, memlimit.Limit(1000<<20))
	if got := debug.SetMemoryLimit(-1); got != 900<<20 || !strings.Contains(said.String(), "memory limit taken from the container") {
		t.Errorf("limit %d, said %q", got, said.String())
	}
	said.Reset()
	limitMemory(t.Context(), log, func() (uint64, error) { return 0, memlimit.ErrNoLimit })
	if said.Len() > 0 {
		t.Errorf("without a limit it said %q", said.String())
	}
}
