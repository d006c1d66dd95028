package faults

import (
	"fmt"
	"slices"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// scaled is the full size when measuring, else the small one.
func scaled[T any](small, full T) T {
	if progtest.Measuring() {
		return full
	}
	return small
}

// spread tells the median, the 99th percentile and the largest of some times.
func spread(all []time.Duration) string {
	if len(all) == 0 {
		return "none"
	}
	sorted := slices.Sorted(slices.Values(all))
	at := func(q float64) time.Duration {
		return sorted[int(q*float64(len(sorted)-1))].Round(10 * time.Microsecond)
	}
	return fmt.Sprintf("median %v, 99th percentile %v, slowest %v (of %d)", at(0.5), at(0.99), at(1), len(all))
}
