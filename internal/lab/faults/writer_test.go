package faults

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// writer is an app that changes and queues contacts all the time, one after the
// other, and remembers what was committed. A commit whose answer was lost is made
// again, with a newer version.
type writer struct {
	in   *progtest.Installation
	stop chan struct{}
	done sync.WaitGroup

	mu        sync.Mutex
	committed map[string]int // the newest version of each contact that was committed for sure
	failed    int            // commits that were not answered, or refused
}

// write starts one that goes on until end.
func write(in *progtest.Installation, contacts int) *writer {
	in.Helper()
	in.Exec(`INSERT INTO contacts (email, name, phone_number) SELECT 'w' || i || '@example.org', 'Name', '0' FROM generate_series(1, $1::int) i`, contacts)
	w := &writer{in: in, stop: make(chan struct{}), committed: map[string]int{}}
	w.done.Go(func() {
		ctx := in.Context()
		var app *pgx.Conn
		defer func() {
			if app != nil {
				_ = app.Close(context.WithoutCancel(ctx))
			}
		}()
		pace := time.NewTicker(20 * time.Millisecond)
		defer pace.Stop()
		for version := 1; ; {
			select {
			case <-pace.C:
			case <-w.stop:
				return
			case <-ctx.Done():
				return
			}
			if app == nil || app.IsClosed() {
				if app, _ = pgx.Connect(ctx, in.URL); app == nil {
					continue // the server is away
				}
			}
			email := fmt.Sprintf("w%d@example.org", 1+version%contacts)
			_, err := app.Exec(ctx, `UPDATE contacts SET phone_number = $2::int::text, hubspot_processing_status = 'Queued', updated_at = now()
				WHERE email = $1`, email, version)
			w.note(email, version, err)
			if err == nil {
				version++
			}
		}
	})
	return w
}

func (w *writer) note(email string, version int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.failed++
		return
	}
	w.committed[email] = version
}

// end stops writing.
func (w *writer) end() {
	close(w.stop)
	w.done.Wait()
}

// check waits until everything is synced and compares what was committed with
// what HubSpot has.
func (w *writer) check(t *testing.T) {
	t.Helper()
	w.in.Await("0", `SELECT count(*)::text FROM contacts WHERE hubspot_processing_status <> 'Complete'`)
	w.in.Await("0", `SELECT count(*)::text FROM contactsync.claims`)
	total := 0
	for email, version := range w.committed {
		total = max(total, version)
		if got := w.in.Ask(`SELECT phone_number FROM contacts WHERE email = $1`, email); got != strconv.Itoa(version) {
			t.Errorf("%s is at version %s in the database, committed was %d", email, got, version)
		}
		if c, _ := w.in.Sim.Contact(email); c.Properties["phone"] != strconv.Itoa(version) {
			t.Errorf("%s is at version %q in HubSpot, committed was %d", email, c.Properties["phone"], version)
		}
	}
	t.Logf("%d commits (%d failed) of %d contacts, %d writes at HubSpot", total, w.failed, len(w.committed), len(w.in.Sim.Writes()))
	if len(w.committed) == 0 {
		t.Error("nothing was committed")
	}
}
