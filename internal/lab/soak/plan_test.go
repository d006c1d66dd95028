package soak

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// What chooses a run.
const (
	durationEnv = "CONTACTSYNC_SOAK"      // a duration; how long the storms and calms last
	seedEnv     = "CONTACTSYNC_SOAK_SEED" // a number; at random where it is not set
)

const (
	shortest = 10 * time.Second // without durationEnv: enough to see that the ledger itself works
	oneRound = time.Minute      // of a long run: a storm and a calm

	// stormShare is how much of a round is storm; the rest is calm.
	stormShare = 0.65

	// hubspotTimeout is short, so that a quarantine (15 s more) fits into a run.
	hubspotTimeout = 2 * time.Second

	// hubspotDoubt is longer than a late request takes, lateMost.
	hubspotDoubt = 10 * time.Second
)

// plan is everything about a run that the seed decides before it begins.
type plan struct {
	seed  uint64
	lasts time.Duration

	replicas   int
	slots      int // HUBSPOT_SYNC_SCHEDULER_MAX_INSTANCES
	batch      int
	maxRetries int
	rounds     []round
}

// round is a storm and the calm after it.
type round struct {
	storm, calm time.Duration
	lanes       [][]fault // each is a sequence; they run side by side
}

// planned reads what is asked for.
func planned(t *testing.T) plan {
	t.Helper()
	p := plan{seed: rand.Uint64() % 1_000_000, lasts: shortest}
	if text := os.Getenv(durationEnv); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 {
			t.Fatalf("%s=%q: want a duration such as 10m", durationEnv, text)
		}
		p.lasts = d
	}
	if text := os.Getenv(seedEnv); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("%s=%q: want a number", seedEnv, text)
		}
		p.seed = n
	}
	r := p.random("settings")
	p.replicas = 2 + r.IntN(2)
	p.slots = 1 + r.IntN(2)
	p.batch = []int{3, 10, 25}[r.IntN(3)]
	p.maxRetries = []int{3, 100}[r.IntN(2)]
	n := max(1, int(p.lasts/oneRound))
	for i := range n {
		p.rounds = append(p.rounds, p.round(i, p.lasts/time.Duration(n)))
	}
	return p
}

func (p plan) round(i int, lasts time.Duration) round {
	storm := time.Duration(float64(lasts) * stormShare)
	return round{storm: storm, calm: lasts - storm, lanes: [][]fault{
		schedule(p.random(fmt.Sprint("processes ", i)), storm, 2*time.Second, processFaults()),
		schedule(p.random(fmt.Sprint("database ", i)), storm, 4*time.Second, databaseFaults()),
		schedule(p.random(fmt.Sprint("hubspot ", i)), storm, 2*time.Second, hubspotFaults()),
	}}
}

// random is a stream of chance that belongs to one actor, so that what one does
// changes nothing for the others.
func (p plan) random(actor string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(actor)) // a hash takes everything
	return rand.New(rand.NewPCG(p.seed, h.Sum64()))
}

// again is the command that plays the run again.
func (p plan) again() string { return fmt.Sprintf("make soak SOAK_FOR=%v SEED=%d", p.lasts, p.seed) }

func (p plan) String() string {
	return fmt.Sprintf("seed %d for %v: %d replicas for %d slots, batches of %d, %d retries, %d rounds",
		p.seed, p.lasts, p.replicas, p.slots, p.batch, p.maxRetries, len(p.rounds))
}

// between is a duration chosen between two.
func between(r *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(r.Int64N(int64(most-least)+1))
}

// choose picks one of several, each as likely as its weight says.
func choose[T any](r *rand.Rand, all []T, weight func(T) int) T {
	total := 0
	for _, one := range all {
		total += weight(one)
	}
	pick := r.IntN(total)
	for _, one := range all {
		if pick -= weight(one); pick < 0 {
			return one
		}
	}
	panic("not reached: the weights add up")
}
