package ops

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/contact"
)

// mostPoints bounds a series: more than a screen has pixels is a mistake.
const mostPoints = 5000

// Point is what the cycles that ended within one step of time did.
type Point struct {
	At           time.Time `json:"at"` // the step's beginning
	Cycles       int64     `json:"cycles"`
	Synced       int64     `json:"synced"`
	Created      int64     `json:"created"`
	Retried      int64     `json:"retried"`
	Failed       int64     `json:"failed"`
	Requests     int64     `json:"requests"`
	ThrottledMS  int64     `json:"throttled_ms"`
	CycleSeconds float64   `json:"cycle_seconds"` // mean; 0 without cycles

	// Latency counts contacts by how long it took from their being queued to their
	// being at the destination, a count for each of contact.LatencyBounds and one for what
	// is longer; those that needed a retry are not in it. It is empty without cycles.
	Latency []int64 `json:"latency"`
}

// Quantile estimates, in seconds, in what time the part q of the contacts, 0 to 1,
// was at the destination: by interpolation within a bucket. It is nil without contacts. What
// is longer than the last bound is counted as that long.
func (p Point) Quantile(q float64) *float64 { return quantile(p.Latency, q) }

// Sum adds points up, as of the first one's time.
func Sum(points []Point) Point {
	var sum Point
	var seconds float64
	for i, p := range points {
		if i == 0 {
			sum.At = p.At
		}
		sum.Cycles += p.Cycles
		sum.Synced += p.Synced
		sum.Created += p.Created
		sum.Retried += p.Retried
		sum.Failed += p.Failed
		sum.Requests += p.Requests
		sum.ThrottledMS += p.ThrottledMS
		seconds += p.CycleSeconds * float64(p.Cycles)
		if len(sum.Latency) < len(p.Latency) {
			sum.Latency = append(sum.Latency, make([]int64, len(p.Latency)-len(sum.Latency))...)
		}
		for b, n := range p.Latency {
			sum.Latency[b] += n
		}
	}
	if sum.Cycles > 0 {
		sum.CycleSeconds = seconds / float64(sum.Cycles)
	}
	return sum
}

func quantile(counts []int64, q float64) *float64 {
	var total int64
	for _, n := range counts {
		total += n
	}
	if total == 0 {
		return nil
	}
	bounds := contact.LatencyBounds()
	rank, below, from := q*float64(total), 0.0, 0.0
	for i, n := range counts[:min(len(counts), len(bounds))] {
		to := bounds[i]
		if n > 0 && below+float64(n) >= rank {
			at := from + (to-from)*max(0, rank-below)/float64(n)
			return &at
		}
		below += float64(n)
		from = to
	}
	return &from
}

// seriesLimit bounds the adding up of what may be millions of cycles.
const seriesLimit = 3 * time.Second

// Series returns what the cycles of the last time did, a point for each step of
// time, the oldest first and the running one last. Steps begin at round times. More
// cycles than can be added up in 3 s are an error.
func (s *Store) Series(ctx context.Context, since, step time.Duration) ([]Point, error) {
	if step <= 0 || since < 0 || since/step > mostPoints {
		return nil, fmt.Errorf("series: %s in steps of %s is not 1 to %d points", since, step, mostPoints)
	}
	var points []Point
	err := s.read(ctx, seriesLimit, func(tx pgx.Tx) (err error) {
		points, err = collect[Point](ctx, s, tx, "series", pgx.NamedArgs{
			"destination": s.destination.Name, "since": since.Seconds(), "step": step.Seconds(),
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("series: %w", err)
	}
	return points, nil
}
