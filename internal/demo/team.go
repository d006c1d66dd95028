package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// team is the replicas: processes of the real program.
type team struct {
	program string
	env     []string
	screen  *screen

	mu      sync.Mutex
	members []*replica
	leader  *replica
	changed chan struct{} // closed when another one leads
	cycles  int
}

// replica is one process.
type replica struct {
	number int
	cmd    *exec.Cmd
	team   *team
	since  time.Time // when it began to lead
	killed bool
	gone   chan struct{} // closed when it has ended
}

func newTeam(program string, env []string, screen *screen) *team {
	return &team{program: program, env: env, screen: screen, changed: make(chan struct{})}
}

// hire starts one more replica, whose end the group waits for.
func (t *team) hire(group *errgroup.Group) error {
	r := &replica{number: len(t.members) + 1, team: t, gone: make(chan struct{})}
	r.cmd = exec.Command(t.program, "run") //nolint:noctx // it is stopped in order, by a signal
	r.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, t.env...)
	r.cmd.Dir = os.TempDir() // where no .env is
	dieWithParent(r.cmd)
	log, err := r.cmd.StderrPipe()
	if err != nil {
		return fmt.Errorf("replica %d: %w", r.number, err)
	}
	if err := r.cmd.Start(); err != nil {
		return fmt.Errorf("replica %d: %w", r.number, err)
	}
	t.members = append(t.members, r)
	t.screen.note("Replica %d started (process %d).", r.number, r.cmd.Process.Pid)
	group.Go(func() error { return r.attend(log) })
	return nil
}

// attend follows a replica's log to its end.
func (r *replica) attend(log io.Reader) error {
	defer close(r.gone)
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	last := ""
	for lines.Scan() {
		last = lines.Text()
		var entry map[string]any
		if json.Unmarshal(lines.Bytes(), &entry) == nil {
			r.tell(entry)
		}
	}
	err := r.cmd.Wait()
	r.team.mu.Lock()
	killed := r.killed
	r.team.mu.Unlock()
	if err != nil && !killed {
		return fmt.Errorf("replica %d: %w; it last said: %s", r.number, err, last)
	}
	return nil
}

// tell shows what a line of the log means.
func (r *replica) tell(entry map[string]any) {
	switch entry["msg"] {
	case "leading":
		r.team.lead(r, entry)
	case "Finished HubSpot sync scheduler cycle":
		r.team.mu.Lock()
		r.team.cycles++
		r.team.mu.Unlock()
		r.team.screen.line(styleNormal, "replica %d  cycle of %v: %v synced, %v to retry, %v failed", r.number,
			entry["contacts"], entry["synced"], entry["retried"], entry["failed"])
	case "Contact synced successfully to HubSpot":
		r.team.screen.line(styleGood, "replica %d  ✓ %v is HubSpot contact %v", r.number, entry["email"], entry["hubspot_id"])
	default:
		if entry["level"] == "WARN" || entry["level"] == "ERROR" {
			r.team.screen.line(styleBad, "replica %d  %v %v", r.number, entry["msg"], entry["error"])
		}
	}
}

func (t *team) lead(r *replica, entry map[string]any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r.since = time.Now()
	if text, ok := entry["time"].(string); ok {
		if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
			r.since = at
		}
	}
	t.leader = r
	close(t.changed)
	t.changed = make(chan struct{})
	t.screen.line(styleAct, "replica %d leads, the others wait in the lock's queue", r.number)
}

func (r *replica) leadingSince() time.Time {
	r.team.mu.Lock()
	defer r.team.mu.Unlock()
	return r.since
}

// awaitLeader waits until another replica than not leads.
func (t *team) awaitLeader(ctx context.Context, not *replica) (*replica, error) {
	for {
		t.mu.Lock()
		leader, changed := t.leader, t.changed
		t.mu.Unlock()
		if leader != nil && leader != not {
			return leader, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// kill ends the replica without a warning and waits until it is gone.
func (r *replica) kill(ctx context.Context) error {
	r.team.mu.Lock()
	r.killed = true
	err := r.cmd.Process.Kill()
	r.team.mu.Unlock()
	if err != nil {
		return fmt.Errorf("kill replica %d: %w", r.number, err)
	}
	select {
	case <-r.gone:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// dismiss asks every replica to stop. The errgroup waits for them.
func (t *team) dismiss() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var errs []error
	for _, r := range t.members {
		if r.killed {
			continue
		}
		if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
			errs = append(errs, fmt.Errorf("stop replica %d: %w", r.number, err))
		}
	}
	return errors.Join(errs...)
}
