package soak

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// fault is something that is to break in a storm.
type fault struct {
	at     time.Duration // since the storm began; later when the lane is still busy
	kind   faultKind
	choice uint64 // the seed of what it chooses
}

// faultKind is one way in which things break. do mends what it broke before it
// returns, soon when ctx ends, and answers what it did, for the diary.
type faultKind struct {
	name   string
	weight int
	room   time.Duration // how much of the storm must be left for it
	do     func(ctx context.Context, w *world, r *rand.Rand) (what string, err error)
}

// schedule chooses what breaks when in one lane.
func schedule(r *rand.Rand, storm, gap time.Duration, kinds []faultKind) []fault {
	var all []fault
	for at := between(r, 0, gap); at < storm; at += between(r, gap/10, 2*gap) {
		fitting := slices.DeleteFunc(slices.Clone(kinds), func(k faultKind) bool { return at+k.room > storm })
		if len(fitting) == 0 {
			break
		}
		kind := choose(r, fitting, func(k faultKind) int { return k.weight })
		all = append(all, fault{at: at, kind: kind, choice: r.Uint64()})
		at += kind.room / 2
	}
	return all
}

// play lets the faults of one lane happen.
func (w *world) play(ctx context.Context, lane []fault) {
	began := time.Now()
	for _, f := range lane {
		if !pause(ctx, f.at-time.Since(began)) {
			return
		}
		r := rand.New(rand.NewPCG(f.choice, 0))
		w.happened.note("%s: begins", f.kind.name)
		what, err := f.kind.do(ctx, w, r)
		if err != nil {
			what += fmt.Sprintf(" (came to nothing: %v)", err)
		} else {
			w.count.add("fault: "+f.kind.name, 1)
		}
		w.happened.note("%s: %s", f.kind.name, what)
	}
}
