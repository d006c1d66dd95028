package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

var steady = measurement{
	Name: "steady", Title: "Hours, in small", rounds: 1, lasts: "11 min",
	How: "Eight apps queue 500 single contacts a second, all in all, of a table of 100,000; one replica with batches of 100 follows, autovacuum is as it is by default. " +
		"From the moment before an UPDATE was sent to the arrival of its request, by the minute; a contact that is queued again before it was sent counts from the last time. Sizes by the minute, too.",
	run: func(ctx context.Context, m *recorder) error {
		size := steadySize{
			contacts: sized(m, 5_000, 100_000), perSecond: sized(m, 100, 500),
			spans: sized(m, 3, 10), span: sized(m, 2*time.Second, time.Minute),
		}
		const name = "500 a second"
		var found []spanFigures
		err := m.rounds(ctx, []oneCase{{name, func(ctx context.Context, t *caseRound) error {
			return t.within(ctx, hubspotsim.Options{}, func(st *installation) (err error) {
				found, err = size.run(ctx, t, st)
				return err
			})
		}}})
		m.steadyFigures(name, found)
		return err
	},
}

// steadySize says how much of it.
type steadySize struct {
	contacts, perSecond, spans int
	span                       time.Duration
}

// spanFigures are those of a minute.
type spanFigures struct {
	arrived        int
	median, p99    float64 // ms
	table, indexes float64 // MB, of contacts
	claims, dead   float64 // MB of claims with its indexes; dead rows of contacts
}

const steadyWriters = 8

// run has the apps write for the whole time and reads the figures after each span.
func (s steadySize) run(ctx context.Context, t *caseRound, st *installation) ([]spanFigures, error) {
	if err := st.fill(ctx, 1, s.contacts, ""); err != nil {
		return nil, err
	}
	if err := st.do(ctx, "CREATE INDEX ON contacts (email)"); err != nil { // by which the apps find them
		return nil, fmt.Errorf("create an index: %w", err)
	}
	if err := st.settle(ctx); err != nil {
		return nil, err
	}
	var clock arrivals
	clock.queued = map[string]time.Time{}
	defer st.sim.OnRequest(clock.note)()
	if _, err := st.lead(ctx, "HUBSPOT_SYNC_SCHEDULER_BATCH_SIZE=100"); err != nil {
		return nil, err
	}
	writing, end := context.WithCancel(ctx)
	defer end()
	group, writing := errgroup.WithContext(writing)
	for range steadyWriters {
		group.Go(func() error { return s.write(writing, st, &clock) })
	}
	var found []spanFigures
	for i := range s.spans {
		if err := pause(writing, s.span); err != nil {
			break
		}
		f := clock.take()
		err := st.app.QueryRow(ctx, sizesSQL).Scan(&f.table, &f.indexes, &f.claims, &f.dead)
		if err != nil {
			return found, fmt.Errorf("read the sizes: %w", err)
		}
		found = append(found, f)
		t.say("%d of %d: %d arrived, median %s ms, 99th percentile %s ms; contacts %s MB", i+1, s.spans,
			f.arrived, number(f.median), number(f.p99), number(f.table+f.indexes))
	}
	end()
	return found, group.Wait()
}

// write queues contacts at its share of the pace until ctx ends.
func (s steadySize) write(ctx context.Context, st *installation, clock *arrivals) error {
	conn, err := pgx.Connect(ctx, st.url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	ticker := time.NewTicker(time.Second * steadyWriters / time.Duration(s.perSecond))
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
		email := fmt.Sprintf("contact-%d@example.org", 1+rand.IntN(s.contacts))
		clock.queue(email)
		// Not cut at the end, which would cost the connection and tell nothing.
		if _, err := conn.Exec(context.WithoutCancel(ctx), queueEmailSQL, email); err != nil {
			return fmt.Errorf("queue a contact: %w", err)
		}
	}
}

// arrivals keeps the time from an UPDATE to the request.
type arrivals struct {
	mu     sync.Mutex
	queued map[string]time.Time // by email
	took   []time.Duration
}

// queue notes that a contact is about to be queued.
func (a *arrivals) queue(email string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.queued[email] = time.Now()
}

func (a *arrivals) note(r hubspotsim.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, input := range r.Inputs {
		if at, waiting := a.queued[input.ID]; waiting {
			a.took = append(a.took, r.Time.Sub(at))
			delete(a.queued, input.ID)
		}
	}
}

// take answers the figures since the last call.
func (a *arrivals) take() spanFigures {
	a.mu.Lock()
	defer a.mu.Unlock()
	values := milliseconds(a.took)
	a.took = nil
	return spanFigures{arrived: len(values), median: quantile(values, 0.5), p99: quantile(values, 0.99)}
}

// steadyFigures compares the second span, when everything is warm, with the last.
func (m *recorder) steadyFigures(name string, found []spanFigures) {
	if len(found) < 2 {
		return
	}
	begin, end := found[1], found[len(found)-1]
	early, late := name+", at the beginning", name+", in the end"
	for _, at := range []struct {
		name string
		f    spanFigures
	}{{early, begin}, {late, end}} {
		m.record(at.name, "UPDATE sent → request, median", "ms", at.f.median)
		m.record(at.name, "UPDATE sent → request, 99th percentile", "ms", at.f.p99)
		m.record(at.name, "contacts, table", "MB", at.f.table)
		m.record(at.name, "contacts, indexes", "MB", at.f.indexes)
		m.record(at.name, "claims with its index", "MB", at.f.claims)
		m.record(at.name, "dead rows in contacts", "", at.f.dead)
	}
	for _, metric := range []string{"UPDATE sent → request, median", "contacts, table", "contacts, indexes", "claims with its index"} {
		m.compare(metric, late, early)
	}
	median, p99 := Series{Name: "median"}, Series{Name: "99th percentile"}
	table, indexes, claims := Series{Name: "contacts, table"}, Series{Name: "contacts, indexes"}, Series{Name: "claims"}
	for i, f := range found {
		x := float64(i + 1)
		median.Points = append(median.Points, [2]float64{x, f.median})
		p99.Points = append(p99.Points, [2]float64{x, f.p99})
		table.Points = append(table.Points, [2]float64{x, f.table})
		indexes.Points = append(indexes.Points, [2]float64{x, f.indexes})
		claims.Points = append(claims.Points, [2]float64{x, f.claims})
	}
	m.plotLines("Update to request, by the minute", "ms", "minute", median, p99)
	m.plotLines("Sizes, by the minute", "MB", "minute", table, indexes, claims)
}
