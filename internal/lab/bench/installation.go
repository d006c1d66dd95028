package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
	"github.com/scrapersky/contactsync/internal/lab/process"
)

// key is the one that the simulated HubSpot takes.
const key = "bench-key"

// patience bounds the wait for what must happen at once; nothing is measured
// with it.
const patience = time.Minute

// installation is an installation to measure: a migrated database, a HubSpot, and the
// replicas between them.
type installation struct {
	*environment
	url  string    // of the database
	name string    // the database
	app  *pgx.Conn // an app's connection

	sim *hubspotsim.Sim
	api string

	server   *http.Server
	served   chan struct{}
	replicas []*process.Process
}

// open makes a installation. The simulator remembers little: a drain would fill the
// memory with what nobody asks for.
func (s *environment) open(ctx context.Context, portal hubspotsim.Options) (*installation, error) {
	st := &installation{environment: s, name: fmt.Sprintf("%s_%d", s.mark, s.count.Add(1)), served: make(chan struct{})}
	if err := s.exec(ctx, "CREATE DATABASE "+st.name+" TEMPLATE "+s.mark); err != nil {
		return nil, err
	}
	st.url = s.at(st.name)
	var err error
	if st.app, err = pgx.Connect(ctx, st.url); err != nil {
		return nil, fmt.Errorf("connect as the app: %w", err)
	}
	portal.Token, portal.Keep = key, 100
	st.sim = hubspotsim.New(portal)
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the simulator: %w", err)
	}
	st.api = "http://" + listener.Addr().String()
	st.server = &http.Server{Handler: st.sim, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		defer close(st.served)
		_ = st.server.Serve(listener) // ends with Close
	}()
	return st, nil
}

// close ends the replicas, the simulator and the database.
func (st *installation) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	for _, p := range st.replicas {
		_ = p.Kill(ctx) // what it did was measured
	}
	_ = st.server.Close()
	<-st.served
	_ = st.app.Close(ctx)
	_ = st.exec(ctx, "DROP DATABASE IF EXISTS "+st.name+" WITH (FORCE)") // else the environment drops it
}

// within opens a installation for work and closes it.
func (s *environment) within(ctx context.Context, portal hubspotsim.Options, work func(st *installation) error) error {
	st, err := s.open(ctx, portal)
	if err != nil {
		return err
	}
	defer st.close(ctx)
	return work(st)
}

// env is what a replica needs; more settings are added, or win. The tick is an
// hour away, so that nothing is found by chance, and the rate limit is none.
func (st *installation) env(more ...string) []string {
	return append([]string{
		"DATABASE_URL=" + st.url, "HUBSPOT_API_KEY=" + key, "HUBSPOT_API_BASE_URL=" + st.api,
		"HTTP_ADDR=127.0.0.1:0", "LOG_FORMAT=json", "HUBSPOT_SYNC_SCHEDULER_INTERVAL_MINUTES=60",
		"HUBSPOT_RATE_LIMIT_PER_10S=100000",
	}, more...)
}

// start starts a replica and leaves it to close.
func (st *installation) start(env ...string) (*process.Process, error) {
	p, err := process.Start(process.Options{Program: st.opt.Program, Within: st.opt.Within, Env: st.env(env...)})
	if err == nil {
		st.replicas = append(st.replicas, p)
	}
	return p, err
}

// lead starts a replica and waits until it leads and sleeps.
func (st *installation) lead(ctx context.Context, env ...string) (*process.Process, error) {
	p, err := st.start(env...)
	if err != nil {
		return nil, err
	}
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, err := p.Wait(waiting, process.Leading); err != nil {
		return nil, err
	}
	return p, st.asleep(ctx)
}

// fill inserts contacts with a status (” for none), their emails numbered from
// first, in one commit.
func (st *installation) fill(ctx context.Context, first, n int, status string) error {
	if err := st.do(ctx, fillSQL, first, first+n-1, status); err != nil {
		return fmt.Errorf("insert %d contacts: %w", n, err)
	}
	return nil
}

// do runs a statement as the app.
func (st *installation) do(ctx context.Context, sql string, args ...any) error {
	_, err := st.app.Exec(ctx, sql, args...)
	return err
}

// settle brings the table to rest: statistics and visibility are up to date, and
// what was written is on disk, as far as the role may ask for it.
func (st *installation) settle(ctx context.Context) error {
	if err := st.do(ctx, "VACUUM (ANALYZE) contacts"); err != nil {
		return err
	}
	_ = st.do(ctx, "CHECKPOINT") // for superusers; else the next one comes by itself
	return nil
}

// asleep waits until a leader sleeps on the doorbell.
func (st *installation) asleep(ctx context.Context) error {
	return st.await(ctx, "a leader sleeps", asleepSQL, destination.LockClass, hubspot.Info.Doorbell())
}

// await asks until the answer is yes.
func (st *installation) await(ctx context.Context, what, sql string, args ...any) error {
	for end := time.Now().Add(patience); ; {
		var yes bool
		if err := st.app.QueryRow(ctx, sql, args...).Scan(&yes); err != nil {
			return fmt.Errorf("ask whether %s: %w", what, err)
		}
		if yes {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("it was not seen within %s that %s", patience, what)
		}
		if err := pause(ctx, 3*time.Millisecond); err != nil {
			return err
		}
	}
}

// pause waits for d, or fails when ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// spend reads an answer to its end, so that its connection can be used again.
func spend(res *http.Response) error {
	_, err := io.Copy(io.Discard, res.Body)
	return errors.Join(err, res.Body.Close())
}
