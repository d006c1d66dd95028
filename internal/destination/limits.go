package destination

import "time"

// Limits is what a destination's newest answers said of the requests that are left.
type Limits struct {
	Rate  Allowance // over a short window
	Daily Allowance // over a day; unknown where there is no such limit
}

// Allowance is one limit. What the destination does not say is negative, and its
// time is zero.
type Allowance struct {
	Window    string // the label in the metrics: "10s", "day"
	Max, Left int
	At        time.Time // when an answer said so last, by this process's clock
	ResetsAt  time.Time
}

// Unknown returns the allowance of a window that no answer has told of.
func Unknown(window string) Allowance { return Allowance{Window: window, Max: -1, Left: -1} }
