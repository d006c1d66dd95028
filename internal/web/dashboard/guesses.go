package dashboard

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Passwords of nobody who is known are tried so many at once, and then so many a
// second, from all addresses together. What comes beyond that waits for its turn, the
// right one too: an answer at once would tell that it is the right one. The room is as
// large as can have its turn within the time that a person waits.
const (
	guessesAtOnce    = 20
	guessesPerSecond = 20
	guessesWaiting   = 80
	guessWaits       = 5 * time.Second

	// mistakes of somebody who is known hold nobody up; after these he waits as well.
	mistakes = 10
)

// guesses is where passwords wait to be tried. Whose turn it is depends on how many
// tries came from where it comes from: somebody from an address that nobody guesses
// from goes before a thousand addresses that guess, and behind a proxy he goes before
// the others who come through it and guess.
type guesses struct {
	mu      sync.Mutex
	tries   ledger
	tokens  float64 // how many may be tried at once, as it was at this time:
	since   time.Time
	waiting []*guess // in the order in which they came
	timed   bool     // next is on its way
}

// guess is a password that waits.
type guess struct {
	from source
	turn chan bool // true: it may be tried; false: there is no room for it
}

// enter waits until a password from there may be tried, and reports whether it may.
// Known is whether it comes from somebody who has been let in before.
func (g *guesses) enter(ctx context.Context, from source, known bool) bool {
	me := &guess{from, make(chan bool, 1)}
	if g.arrive(me, known) {
		return true
	}
	patience := time.NewTimer(guessWaits)
	defer patience.Stop()
	select {
	case turn := <-me.turn:
		return turn
	case <-ctx.Done():
	case <-patience.C:
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.waiting, me); i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
		return false
	}
	return <-me.turn // it came this very moment
}

// arrive reports whether a guess may be tried at once; else it waits.
func (g *guesses) arrive(me *guess, known bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tries.add(me.from, 1)
	if known && g.tries.of(me.from)[0] <= mistakes {
		return true
	}
	if len(g.waiting) == 0 && g.take() {
		return true
	}
	g.waiting = append(g.waiting, me)
	if len(g.waiting) > guessesWaiting {
		g.remove(g.last()).turn <- false
	}
	g.wake()
	return false
}

// right gives back what a right password took.
func (g *guesses) right(from source, known bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tries.add(from, -1)
	if !known {
		g.tokens = min(g.tokens+1, guessesAtOnce)
	}
}

// next gives a turn to whom it is due.
func (g *guesses) next() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.timed = false
	if len(g.waiting) > 0 && g.take() {
		g.remove(g.first()).turn <- true
	}
	g.wake()
}

// The caller of all that follows holds the lock.

// wake sees to it that next comes in time.
func (g *guesses) wake() {
	if !g.timed && len(g.waiting) > 0 {
		g.timed = true
		time.AfterFunc(time.Second/guessesPerSecond, g.next)
	}
}

// take takes one of the tries that may be made now, if there is one.
func (g *guesses) take() bool {
	now := time.Now()
	if g.since.IsZero() {
		g.tokens = guessesAtOnce
	} else {
		g.tokens = min(g.tokens+guessesPerSecond*now.Sub(g.since).Seconds(), guessesAtOnce)
	}
	g.since = now
	const almost = 1 - 1e-6 // sums of parts
	if g.tokens < almost {
		return false
	}
	g.tokens--
	return true
}

// first returns who waits longest of those from where the fewest tries came.
func (g *guesses) first() int {
	best, at := g.tries.of(g.waiting[0].from), 0
	for i, w := range g.waiting {
		if s := g.tries.of(w.from); slices.Compare(s[:], best[:]) < 0 {
			best, at = s, i
		}
	}
	return at
}

// last returns any of those from where the most tries came.
func (g *guesses) last() int {
	worst, at, n := standing{}, 0, 0
	for i, w := range g.waiting {
		s := g.tries.of(w.from)
		switch c := slices.Compare(s[:], worst[:]); {
		case c > 0:
			worst, at, n = s, i, 1
		case c == 0:
			if n++; rand.IntN(n) == 0 {
				at = i
			}
		}
	}
	return at
}

func (g *guesses) remove(i int) *guess {
	one := g.waiting[i]
	g.waiting = slices.Delete(g.waiting, i, i+1)
	return one
}
