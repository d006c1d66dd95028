package soak

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/lab/netproxy"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// shutdownTimeout is the replicas' SHUTDOWN_TIMEOUT.
const shutdownTimeout = 10 * time.Second

// replica is one place for a process of the program, which lives there again and
// again.
type replica struct {
	*world

	number int
	env    []string
	proxy  *netproxy.Proxy // its way to the database

	mu    sync.Mutex
	cmd   *exec.Cmd     // nil while there is no process
	ended chan struct{} // closed when that has ended
	asked bool          // it was asked to end, or killed
	wrote int64         // how long its log was when it began
}

func (r *replica) String() string { return fmt.Sprint("replica ", r.number) }

// start starts a process, unless there is one. Its log goes on in the same file.
func (r *replica) start() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cmd != nil {
		return
	}
	r.wrote = r.logged()
	log, err := os.OpenFile(r.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		r.Error(err)
		return
	}
	defer func() { _ = log.Close() }() // the process has its own handle
	cmd := exec.Command(progtest.Binary(r.T), "run")
	cmd.Env, cmd.Dir, cmd.Stderr = r.env, r.dir, log // no .env there
	if err := cmd.Start(); err != nil {
		r.Error(err)
		return
	}
	r.cmd, r.ended, r.asked = cmd, make(chan struct{}), false
	r.happened.note("%v is process %d", r, cmd.Process.Pid)
	go r.attend(cmd, r.ended)
}

func (r *replica) logFile() string {
	return filepath.Join(r.dir, fmt.Sprintf("replica-%d.log", r.number))
}

// logged is how long the log is.
func (r *replica) logged() int64 {
	info, err := os.Stat(r.logFile())
	if err != nil {
		return 0 // there is none yet
	}
	return info.Size()
}

// attend waits for the end of a process. bury waits for attend.
func (r *replica) attend(cmd *exec.Cmd, ended chan struct{}) {
	_ = cmd.Wait() // its state tells
	r.mu.Lock()
	if !r.asked {
		r.Errorf("%v (process %d) ended by itself: %v", r, cmd.Process.Pid, cmd.ProcessState)
	}
	r.cmd = nil
	r.mu.Unlock()
	close(ended)
}

// signal sends a signal to the process; errAway when there is none.
func (r *replica) signal(s syscall.Signal, ends bool) (ended <-chan struct{}, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cmd == nil {
		return nil, errAway
	}
	r.asked = r.asked || ends
	return r.ended, r.cmd.Process.Signal(s)
}

// kill ends the process without a warning.
func (r *replica) kill() error {
	ended, err := r.signal(syscall.SIGKILL, true)
	if err != nil {
		return err
	}
	<-ended
	r.count.add("kills", 1)
	return nil
}

// terminate ends the process as a platform does: it must obey in time.
func (r *replica) terminate() error {
	r.mu.Lock()
	cmd := r.cmd
	r.mu.Unlock()
	ended, err := r.signal(syscall.SIGTERM, true)
	if err != nil {
		return err
	}
	r.count.add("orderly stops", 1)
	select {
	case <-ended:
	case <-time.After(6 * shutdownTimeout): // the machine may be slow
		r.Errorf("%v has not ended %v after SIGTERM", r, 6*shutdownTimeout)
		return r.kill()
	}
	r.mu.Lock()
	begun := r.logged() > r.wrote
	r.mu.Unlock()
	if code := cmd.ProcessState.ExitCode(); code != 0 && begun { // a signal may come before it listens to signals
		r.Errorf("%v ended with exit code %d after SIGTERM", r, code)
	}
	return nil
}

// bury ends the process for good.
func (r *replica) bury() {
	if ended, err := r.signal(syscall.SIGKILL, true); err == nil {
		<-ended
	}
}

// pid is the process's; 0 where there is none.
func (r *replica) pid() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cmd == nil {
		return 0
	}
	return r.cmd.Process.Pid
}

// leadersSQL is the instances that hold slots. $1 the class of the locks.
const leadersSQL = `SELECT coalesce(string_agg(a.application_name, ' '), '') FROM pg_locks l JOIN pg_stat_activity a USING (pid)
	WHERE l.locktype = 'advisory' AND l.granted AND l.mode = 'ExclusiveLock' AND l.classid = $1::int::oid AND l.objid BETWEEN 100 AND 199
	AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`

// leaders is the replicas that lead now.
func (w *world) leaders(ctx context.Context) []*replica {
	names, err := ask[string](ctx, w, leadersSQL, destination.LockClass)
	if err != nil {
		return nil
	}
	var leading []*replica
	for _, r := range w.replicas {
		for name := range strings.FieldsSeq(names) {
			if pid := r.pid(); pid != 0 && strings.HasSuffix(name, fmt.Sprint("-", pid)) {
				leading = append(leading, r)
				break
			}
		}
	}
	return leading
}

// leader is one of those that lead, else anyone.
func (w *world) leader(ctx context.Context, r *rand.Rand) *replica {
	pick := r.Uint64() // drawn in any case, so that the schedule does not depend on the answer
	if leading := w.leaders(ctx); len(leading) > 0 {
		return leading[pick%uint64(len(leading))]
	}
	return w.replicas[pick%uint64(len(w.replicas))]
}

func (w *world) anyone(r *rand.Rand) *replica { return w.replicas[r.IntN(len(w.replicas))] }
