package demo

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/destination/hubspot"
	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

// app is the app that contactsync serves: all it does is write rows. It also
// keeps the time, from the moment before its commit to the request's arrival.
type app struct {
	conn   *pgx.Conn
	screen *screen

	mu        sync.Mutex
	queued    int
	committed map[string]time.Time // by email, until it has arrived
	arrived   chan struct{}        // closed at the next arrival
	latencies []time.Duration
	single    []time.Duration // of contacts queued one at a time

	takeover time.Duration
}

func newApp(ctx context.Context, url string, sim *hubspotsim.Sim, screen *screen) (*app, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("connect as the app: %w", err)
	}
	a := &app{conn: conn, screen: screen, committed: map[string]time.Time{}, arrived: make(chan struct{})}
	sim.OnRequest(a.arrival)
	return a, nil
}

func (a *app) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = a.conn.Close(ctx) // it is the end of the demo
}

// queue writes n contacts in one statement: this is all an app has to do. It is
// not cut by the demo's end, which would break the connection.
func (a *app) queue(ctx context.Context, n int) error {
	first := a.queued + 1
	a.queued += n
	a.mu.Lock()
	now := time.Now()
	for i := first; i < first+n; i++ {
		a.committed[email(i)] = now
	}
	a.mu.Unlock()
	_, err := a.conn.Exec(context.WithoutCancel(ctx), `
		INSERT INTO contacts (email, name, phone_number, hubspot_sync_status, hubspot_processing_status)
		SELECT 'contact-' || i || '@example.org', 'Contact Number' || i, '+1-555-' || lpad(i::text, 4, '0'), 'Queued', 'Queued'
		  FROM generate_series($1::int, $2::int) i`, first, first+n-1)
	if err != nil {
		return fmt.Errorf("queue contacts: %w", err)
	}
	return nil
}

func email(i int) string { return fmt.Sprintf("contact-%d@example.org", i) }

// arrival notes what a request to HubSpot brought.
func (a *app) arrival(r hubspotsim.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, input := range r.Inputs {
		at, waiting := a.committed[input.ID]
		if !waiting || !r.Applied {
			continue
		}
		delete(a.committed, input.ID)
		latency := r.Time.Sub(at)
		a.latencies = append(a.latencies, latency)
		if len(r.Inputs) == 1 {
			a.single = append(a.single, latency)
			a.screen.line(styleNormal, "HubSpot    %s arrived %s after the app's statement was sent", input.ID, brief(latency))
		}
	}
	if len(r.Inputs) > 1 {
		a.screen.line(styleNormal, "HubSpot    a batch of %d arrived", len(r.Inputs))
	}
	close(a.arrived)
	a.arrived = make(chan struct{})
}

// awaitArrivals waits until everything queued so far is in HubSpot.
func (a *app) awaitArrivals(ctx context.Context) error {
	for {
		a.mu.Lock()
		left, arrived := len(a.committed), a.arrived
		a.mu.Unlock()
		if left == 0 {
			return nil
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// awaitLast gives what is under way a few seconds to arrive; the summary tells
// whether it did.
func (a *app) awaitLast(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_ = a.awaitArrivals(ctx)
}

// awaitRest waits until the leader sleeps on the doorbell. What it has in flight
// when it is killed is sent again only after a quarantine, which is not what the
// demo is to show.
func (a *app) awaitRest(ctx context.Context) error {
	for {
		var asleep bool
		err := a.conn.QueryRow(context.WithoutCancel(ctx), `SELECT EXISTS (
			SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = $1::int::bigint::oid AND objid = $2::int::bigint::oid
			   AND mode = 'ExclusiveLock' AND granted)`, destination.LockClass, hubspot.Info.Doorbell()).Scan(&asleep)
		if err != nil {
			return fmt.Errorf("look at the doorbell: %w", err)
		}
		if asleep {
			return nil
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// summary counts, in the database and in HubSpot, and fails if they disagree.
func (a *app) summary(ctx context.Context, team *team) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var total, complete int
	err := a.conn.QueryRow(ctx, `SELECT count(*), count(*) FILTER (WHERE hubspot_processing_status = 'Complete') FROM contacts`).Scan(&total, &complete)
	if err != nil {
		return fmt.Errorf("count the contacts: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	team.mu.Lock()
	defer team.mu.Unlock()
	style := styleGood
	if complete < total {
		style = styleBad
	}
	a.screen.title("Summary")
	a.screen.line(style, "%d contacts queued, %d in HubSpot, in %d cycles", total, complete, team.cycles)
	if len(a.single) > 0 {
		slices.Sort(a.single)
		a.screen.line(styleNormal, "statement to HubSpot, one contact at a time: median %s, slowest %s, of %d",
			brief(a.single[len(a.single)/2]), brief(a.single[len(a.single)-1]), len(a.single))
	}
	if a.takeover > 0 {
		a.screen.line(styleNormal, "next leader after kill -9: %s", brief(a.takeover))
	}
	if complete < total {
		return &lostError{total - complete}
	}
	return nil
}

// lostError says that contacts did not arrive.
type lostError struct{ contacts int }

func (e *lostError) Error() string { return fmt.Sprintf("%d contacts did not arrive", e.contacts) }
