package dashboard

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/scrapersky/contactsync/internal/ops"
)

// How much of the past an overview shows, and how old a look may be.
const (
	shownCycles  = 8
	shownActions = 8

	freshLook = 900 * time.Millisecond
	freshHour = 5 * time.Second
	freshDay  = time.Minute
)

// glance is how things stand, as every page shows it.
type glance struct {
	ops.Snapshot
	Cycles   []ops.Cycle
	Actions  []ops.Action
	Mood     mood
	Sentence string
	Hour     []ops.Point // nil where it cannot be had
	Day      []ops.Point
}

// mood is how things stand in a word, which is a colour and a picture as well.
type mood string

const (
	good    mood = "good"
	working mood = "working"
	waits   mood = "waits" // it goes on by itself
	asks    mood = "asks"  // a person is needed, but not at once
	held    mood = "held"
	bad     mood = "bad"
)

// moodOf is how things stand as the sentence beside it says.
func moodOf(s ops.Snapshot) mood {
	level, _ := s.Judge(time.UTC)
	paused := slices.ContainsFunc(s.Leaders, func(l ops.Leader) bool { return l.PauseCode != "" })
	switch q := s.Queue; {
	case s.Hold != nil:
		return held
	case level == ops.Trouble:
		return bad
	case level == ops.Attention && (paused || q.Due > 0):
		return waits
	case q.Due > 0:
		return working
	case level == ops.Attention:
		return asks
	case q.Waiting > 0:
		return waits
	}
	return good
}

// looks keeps what was seen last, for everybody who asks within a moment, so that
// many browsers ask the database no more than one.
type looks struct {
	mu                sync.Mutex
	last              *glance
	at, hourAt, dayAt time.Time
	hour, day         []ops.Point

	err      error // of the last look, nil when it succeeded
	failedAt time.Time
}

// forget makes the next one look: something was just changed.
func (l *looks) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = nil
}

// glance answers how things stand now, give or take a second. Who waits while
// another looks in vain does not look after him: a silent database would make them
// wait for each other.
func (d *Dashboard) glance() (*glance, error) {
	l := &d.looks
	asked := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil && l.failedAt.After(asked) {
		return nil, l.err
	}
	if l.last != nil && time.Since(l.at) < freshLook {
		return l.last, nil
	}
	// Others wait for the answer, too: that this one leaves must not spoil it.
	ctx, cancel := context.WithTimeout(d.life, queryTimeout)
	defer cancel()
	g, err := d.look(ctx)
	if l.err = err; err != nil {
		l.last, l.failedAt = nil, time.Now()
		return nil, err
	}
	d.addSeries(ctx)
	g.Hour, g.Day = l.hour, l.day
	l.last, l.at = g, time.Now()
	return g, nil
}

// look asks the database how things stand, and what was done last.
func (d *Dashboard) look(ctx context.Context) (*glance, error) {
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
	return &glance{Snapshot: seen, Cycles: cycles, Actions: actions, Mood: moodOf(seen), Sentence: d.words(seen.Sentence(time.UTC))}, nil
}

// addSeries looks at the past, less often: it changes less and costs more.
func (d *Dashboard) addSeries(ctx context.Context) {
	l := &d.looks
	for _, s := range []struct {
		at          *time.Time
		points      *[]ops.Point
		fresh       time.Duration
		since, step time.Duration
	}{
		{&l.hourAt, &l.hour, freshHour, 59 * time.Minute, time.Minute},
		{&l.dayAt, &l.day, freshDay, 24*time.Hour - 15*time.Minute, 15 * time.Minute},
	} {
		if time.Since(*s.at) < s.fresh {
			continue
		}
		points, err := d.Store.Series(ctx, s.since, s.step)
		if err != nil {
			d.Log.WarnContext(ctx, "The dashboard cannot add up the past", "since", s.since, "error", err)
		}
		*s.points, *s.at = points, time.Now()
	}
}
