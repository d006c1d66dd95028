package contact

// LatencyBounds returns the upper ends, in seconds, of the buckets in which a cycle's
// latencies are counted: from when a contact was queued until the destination had it.
// One more bucket takes what is longer.
func LatencyBounds() []float64 {
	return []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600}
}
