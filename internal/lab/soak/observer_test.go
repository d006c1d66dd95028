package soak

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/scrapersky/contactsync/internal/destination"
)

// observer looks at the replicas from outside, all the time.
type observer struct {
	w     *world
	began time.Time

	mu      sync.Mutex
	memory  series // resident set, in KiB, of processes that have lived for a while
	threads series
	leader  series // connections of an instance that leads, in a calm
	other   series // of one that does not
}

// series is what is told of many numbers.
type series struct{ n, first, last, most int }

func (s *series) add(x int) {
	if s.n++; s.n == 1 {
		s.first = x
	}
	s.last, s.most = x, max(s.most, x)
}

func (s *series) String() string {
	if s.n == 0 {
		return "none seen"
	}
	return fmt.Sprintf("first %d, last %d, most %d", s.first, s.last, s.most)
}

const (
	lookEvery = 500 * time.Millisecond
	tellEvery = 10 * time.Second

	// grownUp is how old a process is when its memory counts.
	grownUp = 3 * time.Second
)

// look looks until ctx ends.
func (o *observer) look(ctx context.Context) {
	ages := map[int]time.Time{}
	told := time.Now()
	for pause(ctx, lookEvery) {
		o.lookAtProcesses(ages)
		if o.w.still.Load() {
			o.lookAtConnections(ctx)
		}
		if time.Since(told) >= tellEvery {
			told = time.Now()
			o.tell(ctx)
		}
	}
}

func (o *observer) lookAtProcesses(ages map[int]time.Time) {
	for _, r := range o.w.replicas {
		pid := r.pid()
		if pid == 0 {
			continue
		}
		if _, known := ages[pid]; !known {
			ages[pid] = time.Now()
		}
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil || time.Since(ages[pid]) < grownUp {
			continue // gone, or a system without /proc
		}
		o.mu.Lock()
		if memory := statusNumber(status, "VmRSS:"); memory > 0 {
			o.memory.add(memory)
			o.threads.add(statusNumber(status, "Threads:"))
		}
		o.mu.Unlock()
	}
}

// statusNumber is a number of /proc/<pid>/status; 0 where it is not there.
func statusNumber(status []byte, name string) int {
	_, rest, _ := strings.Cut(string(status), name)
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(fields[0]) // 0 where it is none
	return n
}

// lookAtConnections counts those of each instance.
func (o *observer) lookAtConnections(ctx context.Context) {
	const countSQL = `SELECT coalesce(string_agg(application_name || '=' || n, ' '), '') FROM (
		SELECT application_name, count(*) AS n FROM pg_stat_activity
		WHERE datname = current_database() AND application_name LIKE 'contactsync/%' GROUP BY 1) x`
	leading, err := ask[string](ctx, o.w, leadersSQL, destination.LockClass)
	if err != nil {
		return
	}
	counted, err := ask[string](ctx, o.w, countSQL)
	if err != nil || !o.w.still.Load() {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for each := range strings.FieldsSeq(counted) {
		name, number, _ := strings.Cut(each, "=")
		n, _ := strconv.Atoi(number) // Postgres counted it
		if strings.Contains(leading+" ", name+" ") {
			o.leader.add(n)
		} else {
			o.other.add(n)
		}
	}
}

// tell prints a line of progress.
func (o *observer) tell(ctx context.Context) {
	const backlogSQL = `SELECT count(*)::int FROM contacts WHERE hubspot_processing_status IN ('Queued', 'Processing')`
	backlog, err := ask[int](ctx, o.w, backlogSQL)
	waiting := strconv.Itoa(backlog)
	if err != nil {
		waiting = "unknown"
	}
	commits, err := ask[int](ctx, o.w, `SELECT count(DISTINCT tx)::int FROM soak.changes WHERE NOT worker`)
	if err != nil {
		commits = -1
	}
	o.w.Logf("%4.0f s: %d commits, %d writes at HubSpot, %d kills, %s contacts wait", time.Since(o.began).Seconds(),
		commits, o.w.sim.Stats().Writes, o.w.count.get("kills"), waiting)
}
