package dashboard

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/scrapersky/contactsync/internal/ops"
)

// How much of the past an overview shows, and how old what it shows may be.
const (
	shownCycles  = 8
	shownActions = 8

	freshState = 900 * time.Millisecond
	freshHour  = 5 * time.Second
	freshDay   = time.Minute
)

// queueState is the state of the queue as every page shows it.
type queueState struct {
	ops.Snapshot
	Cycles   []ops.Cycle
	Actions  []ops.Action
	Severity severity
	Sentence string
	Hour     []ops.Point // nil where it cannot be had
	Day      []ops.Point
}

// severity is the queue's state in a word: the name of a colour and of an icon.
type severity string

const (
	good      severity = "good"
	working   severity = "working"
	waiting   severity = "waiting"   // it goes on by itself
	attention severity = "attention" // a person is needed, but not at once
	paused    severity = "paused"    // by an operator
	bad       severity = "bad"
)

// severityOf returns the severity that fits the sentence beside it.
func severityOf(s ops.Snapshot) severity {
	level, _ := s.Judge(time.UTC)
	accountPaused := slices.ContainsFunc(s.Leaders, func(l ops.Leader) bool { return l.PauseCode != "" })
	switch q := s.Queue; {
	case level == ops.Trouble:
		return bad
	case s.Hold != nil:
		return paused
	case level == ops.Attention && (accountPaused || q.Due > 0):
		return waiting
	case q.Due > 0:
		return working
	case level == ops.Attention:
		return attention
	case q.Waiting > 0:
		return waiting
	}
	return good
}

// cache keeps the last queueState for everybody who asks within a moment, so that many
// browsers cost the database no more than one.
type cache struct {
	mu                sync.Mutex
	last              *queueState
	at, hourAt, dayAt time.Time
	hour, day         []ops.Point

	err      error // of the last query, nil when it succeeded
	failedAt time.Time
}

// forget empties the cache: something was just changed.
func (c *cache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = nil
}

// queueState returns the state of the queue, at most a second old. A caller that waited
// for the query of another returns its error too, and does not query after it: with a
// silent database every caller would otherwise wait for all those before it.
func (d *Dashboard) queueState() (*queueState, error) {
	c := &d.cache
	asked := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil && c.failedAt.After(asked) {
		return nil, c.err
	}
	if c.last != nil && time.Since(c.at) < freshState {
		return c.last, nil
	}
	// Others wait for the result, too: the query goes on when this caller leaves.
	ctx, cancel := context.WithTimeout(d.life, queryTimeout)
	defer cancel()
	g, err := d.query(ctx)
	if c.err = err; err != nil {
		c.last, c.failedAt = nil, time.Now()
		return nil, err
	}
	d.addSeries(ctx)
	g.Hour, g.Day = c.hour, c.day
	c.last, c.at = g, time.Now()
	return g, nil
}

// query reads the state of the queue and the latest cycles and actions.
func (d *Dashboard) query(ctx context.Context) (*queueState, error) {
	seen, err := d.Store.Snapshot(ctx, ops.MostShown+1)
	if err != nil {
		return nil, err
	}
	cycles, err := d.Store.LastCycles(ctx, shownCycles)
	if err != nil {
		return nil, err
	}
	actions, err := d.Store.Actions(ctx, "", shownActions)
	if err != nil {
		return nil, err
	}
	return &queueState{Snapshot: seen, Cycles: cycles, Actions: actions, Severity: severityOf(seen), Sentence: d.words(seen.Sentence(time.UTC))}, nil
}

// addSeries reads the past, less often: it changes less and costs more.
func (d *Dashboard) addSeries(ctx context.Context) {
	c := &d.cache
	for _, s := range []struct {
		at          *time.Time
		points      *[]ops.Point
		fresh       time.Duration
		since, step time.Duration
	}{
		{&c.hourAt, &c.hour, freshHour, 59 * time.Minute, time.Minute},
		{&c.dayAt, &c.day, freshDay, 24*time.Hour - 15*time.Minute, 15 * time.Minute},
	} {
		if time.Since(*s.at) < s.fresh {
			continue
		}
		points, err := d.Store.Series(ctx, s.since, s.step)
		if err != nil {
			d.Log.WarnContext(ctx, "dashboard: cannot read the history", "since", s.since, "error", err)
		}
		*s.points, *s.at = points, time.Now()
	}
}
