package faults

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/lab/process"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// replica is one of the processes of an installation, and when it sent contacts.
// HubSpot has an address of its own for each replica, so that it can be told who
// sent what.
type replica struct {
	*progtest.Process

	mu   sync.Mutex
	sent []time.Time // arrivals of its upserts at HubSpot
}

// startReplica starts one that goes to the installation's HubSpot. Settings are
// added to those of the installation, or win.
func startReplica(in *progtest.Installation, settings ...string) *replica {
	in.Helper()
	r := &replica{}
	hubspot := progtest.ServeHubSpot(in, in.Sim, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if strings.HasSuffix(req.URL.Path, "batch/upsert") {
			r.note()
		}
		in.Sim.ServeHTTP(w, req)
	}))
	r.Process = in.Start(in.Env(append([]string{"HUBSPOT_API_BASE_URL=" + hubspot}, settings...)...), "run")
	return r
}

func (r *replica) note() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent = append(r.sent, time.Now())
}

// sentSince is how many of its upserts arrived after a moment.
func (r *replica) sentSince(t time.Time) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, at := range r.sent {
		if at.After(t) {
			n++
		}
	}
	return n
}

// freeze stops the process, and returns when it stands still: the signal takes
// effect only when one of its threads is next scheduled.
func (r *replica) freeze() {
	r.Helper()
	r.Signal(syscall.SIGSTOP)
	states := fmt.Sprintf("/proc/%d/task/*/stat", r.Cmd.Process.Pid)
	for end := time.Now().Add(progtest.Patience); time.Now().Before(end); <-time.After(time.Millisecond) {
		threads, _ := filepath.Glob(states) // the pattern is well-formed
		if !slices.ContainsFunc(threads, moves) {
			return
		}
	}
	r.Errorf("process %d does not stand still", r.Cmd.Process.Pid)
}

// moves says whether a thread is in another state than T, which follows the
// program's name in parentheses.
func moves(stat string) bool {
	text, err := os.ReadFile(stat)
	if err != nil {
		return false // the thread has ended
	}
	_, state, _ := strings.Cut(string(text), ") ")
	return !strings.HasPrefix(state, "T")
}

// name is the application_name of its connections.
func (r *replica) name(in *progtest.Installation) string {
	in.Helper()
	return "contactsync/" + in.Ask(`SELECT DISTINCT substr(application_name, 13) FROM pg_stat_activity
		WHERE datname = current_database() AND application_name LIKE 'contactsync/%-' || $1::int`, r.Cmd.Process.Pid)
}

// holder is the server process that holds the first slot's lock; empty while
// nobody leads.
func holder(in *progtest.Installation) (pid string) {
	in.Helper()
	return in.Ask(`SELECT coalesce(max(pid)::text, '') `+ofSlot, destination.LockClass, hubspot.Info.SlotLock(0))
}

// awaitAnother waits until another server process than that one holds the first
// slot's lock.
func awaitAnother(in *progtest.Installation, pid string) {
	in.Helper()
	in.AwaitFor(2*progtest.Patience, "another", fmt.Sprintf(`SELECT coalesce(max(CASE WHEN pid = %s THEN 'the same' ELSE 'another' END), 'nobody') `+
		strings.NewReplacer("$1", fmt.Sprint(destination.LockClass), "$2", fmt.Sprint(hubspot.Info.SlotLock(0))).Replace(ofSlot), pid))
}

// ofSlot finds the granted lock of a slot. $1 class, $2 object.
const ofSlot = `FROM pg_locks WHERE locktype = 'advisory' AND granted AND mode = 'ExclusiveLock'
	AND classid = $1::int::oid AND objid = $2::int::oid
	AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`

// sessions are the server processes of a replica: that which holds the slot, and
// that which listens.
func (r *replica) sessions(in *progtest.Installation) (slot, listener string) {
	in.Helper()
	slot = holder(in)
	listener = in.Ask(`SELECT coalesce(max(pid)::text, '') FROM pg_stat_activity WHERE datname = current_database()
		AND application_name = $1 AND pid <> $2::int`, r.name(in), slot)
	if slot == "" || listener == "" {
		in.Fatalf("the leader's sessions are %q and %q", slot, listener)
	}
	return slot, listener
}

// lead starts a replica and waits until it leads, hears notifications and sleeps.
func lead(in *progtest.Installation, settings ...string) *replica {
	in.Helper()
	r := startReplica(in, settings...)
	r.Wait("leading", 1)
	r.Wait("notifications arrive", 1)
	in.AwaitAsleep()
	return r
}

// follow starts a replica and waits until it follows.
func follow(in *progtest.Installation, settings ...string) *replica {
	in.Helper()
	r := startReplica(in, settings...)
	r.Wait("waiting for a slot", 1)
	return r
}

// pair starts a leader and a follower.
func pair(in *progtest.Installation, settings ...string) (leader, follower *replica) {
	in.Helper()
	leader = lead(in, settings...)
	return leader, follow(in, settings...)
}

// queue queues one contact more, and answers its address.
func queue(in *progtest.Installation, name string) (email string) {
	in.Helper()
	email = name + "@example.org"
	in.Exec(`INSERT INTO contacts (email, name, hubspot_sync_status, hubspot_processing_status) VALUES ($1, 'Name', 'Queued', 'Queued')`, email)
	return email
}

// awaitComplete waits until a contact is synced.
func awaitComplete(in *progtest.Installation, email string) {
	in.Helper()
	in.Await("Complete", fmt.Sprintf(`SELECT hubspot_processing_status::text FROM contacts WHERE email = '%s'`, email))
}

// since is the time from a moment to a line of a log.
func since(t *testing.T, from time.Time, r process.Record) time.Duration {
	t.Helper()
	return progtest.TimeOf(t, r).Sub(from)
}

// wait lets a time pass in which something must not happen; nothing tells of
// that.
func wait(in *progtest.Installation, d time.Duration) {
	in.Helper()
	select {
	case <-time.After(d):
	case <-in.Context().Done():
		in.Fatal(in.Context().Err())
	}
}
