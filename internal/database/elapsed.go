package database

import "time"

// Elapsed is the time since the database was asked something, for whoever must not
// act on an answer that is too old. The longer of two clocks decides: the monotonic
// one, which no adjustment reaches, and that on the wall, which goes on while the
// machine is suspended.
func Elapsed(from, to time.Time) time.Duration {
	return max(to.Sub(from), to.Round(0).Sub(from.Round(0)))
}
