package soak

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/netproxy"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/lab/postgres"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

//go:embed audit.sql
var auditSQL string

// world is everything that there is in a run.
type world struct {
	*testing.T
	plan plan
	dir  string // the logs of this run; kept when it fails

	server *postgres.Server // nil: the database is somebody's and cannot be restarted
	url    string
	books  *pgxpool.Pool // the observer's own connections, past everything that breaks
	sim    *hubspotsim.Sim
	front  *front

	replicas []*replica
	happened *diary
	gate     sync.RWMutex // writers hold it shared while they write
	still    atomic.Bool  // nothing is broken: what is seen must be as promised
	count    counts
}

// newWorld puts up everything but the processes.
func newWorld(t *testing.T, p plan) *world {
	t.Helper()
	w := &world{T: t, plan: p, count: newCounts()}
	w.openDirectory()
	w.startDatabase()
	w.sim = hubspotsim.New(hubspotsim.Options{Token: progtest.GoodKey, Seed: p.seed})
	behaviour := []hubspotsim.Behaviour{
		{},
		{ResultOrder: hubspotsim.OrderShuffled},
		{NoTraceEcho: true, ErrorShape: hubspotsim.ErrorIDsOnly},
		{ResultOrder: hubspotsim.OrderReversed, ErrorShape: hubspotsim.ErrorBare},
	}
	if err := w.sim.SetBehaviour(behaviour[p.random("behaviour").IntN(len(behaviour))]); err != nil {
		t.Fatal(err)
	}
	w.front = &front{sim: w.sim}
	t.Cleanup(w.front.landing.Wait)
	for i := range p.replicas {
		w.replicas = append(w.replicas, w.newReplica(i))
	}
	return w
}

// openDirectory makes the place for the logs, which goes when all is well.
func (w *world) openDirectory() {
	dir, err := os.MkdirTemp("", "contactsync-soak-")
	if err != nil {
		w.Fatal(err)
	}
	w.dir = dir
	w.happened = newDiary(w.T, filepath.Join(dir, "faults.log"))
	w.Cleanup(func() {
		w.happened.close()
		if w.Failed() {
			w.Logf("the logs of the replicas and of what was done to them: %s", dir)
			w.Logf("to play this run again: %s", w.plan.again())
			return
		}
		_ = os.RemoveAll(dir)
	})
}

// startDatabase starts a server that can be restarted, where there is one. A
// commit that was answered outlives a crash of the server, as in production.
func (w *world) startDatabase() {
	server, err := postgres.Start(w.Context(), postgres.Options{
		Kind:     postgres.Local,
		Settings: map[string]string{"synchronous_commit": "on", "max_prepared_transactions": "50"},
	})
	if err == nil {
		w.server = server
		w.Cleanup(func() {
			if err := server.Stop(); err != nil {
				w.Error(err)
			}
		})
		w.url = pgtest.On(w.T, server)
	} else {
		w.Logf("Postgres is not restarted in this run: %v", err)
		w.url = pgtest.New(w.T)
	}
	config, err := pgxpool.ParseConfig(w.url)
	if err != nil {
		w.Fatal(err)
	}
	config.MaxConns = 8
	config.ConnConfig.RuntimeParams["application_name"] = "books"
	if w.books, err = pgxpool.NewWithConfig(w.Context(), config); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(w.books.Close)
	pgtest.Exec(w.T, w.url, auditSQL)
}

// newReplica gives a replica its place: a way to the database and one to HubSpot
// that are its own.
func (w *world) newReplica(i int) *replica {
	r := &replica{world: w, number: i + 1, proxy: netproxy.New(w.T, w.url)}
	in := progtest.Installation{TB: w.T, Worker: r.proxy.URL(), API: progtest.ServeHubSpot(w.T, w.sim, w.front.forReplica(r))}
	r.env = in.Env(
		fmt.Sprintf("HUBSPOT_TIMEOUT=%v", hubspotTimeout), fmt.Sprintf("HUBSPOT_DOUBT=%v", hubspotDoubt), "HUBSPOT_RATE_LIMIT_PER_10S=1000",
		fmt.Sprintf("HUBSPOT_SYNC_SCHEDULER_MAX_INSTANCES=%d", w.plan.slots),
		fmt.Sprintf("HUBSPOT_SYNC_SCHEDULER_BATCH_SIZE=%d", w.plan.batch),
		fmt.Sprintf("HUBSPOT_SYNC_MAX_RETRIES=%d", w.plan.maxRetries),
		"HUBSPOT_SYNC_RETRY_DELAY_MINUTES=200ms", "HUBSPOT_SYNC_RETRY_EXPONENTIAL=false",
		fmt.Sprintf("SHUTDOWN_TIMEOUT=%v", shutdownTimeout),
	)
	w.Cleanup(r.bury)
	return r
}

// ask answers one value from the books, or an error while the database is away.
func ask[T any](ctx context.Context, w *world, sql string, args ...any) (T, error) {
	var value T
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	err := w.books.QueryRow(ctx, sql, args...).Scan(&value)
	return value, err
}

// pause lets time pass; it answers false when ctx ends first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// errAway says that there was nobody to do something to.
var errAway = errors.New("nobody is there")
