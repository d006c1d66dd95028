package bench

import (
	"math"
	"slices"
	"time"
)

// Figure is what one case of a measurement gave for one metric, a value a round.
type Figure struct {
	Case   string    `json:"case"`
	Metric string    `json:"metric"`
	Unit   string    `json:"unit"`
	Values []float64 `json:"values"`

	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`

	Ratio *Ratio `json:"ratio,omitempty"`
	Aim   *Aim   `json:"aim,omitempty"`
}

// Ratio compares a figure with that of another case, round by round.
type Ratio struct {
	To     string  `json:"to"` // the other case
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// Aim is what the project wants of a figure's median, or of its ratio.
type Aim struct {
	AtLeast bool    `json:"at_least"` // else at most
	Value   float64 `json:"value"`
	OfRatio bool    `json:"of_ratio"`
	Met     bool    `json:"met"`
}

// summarize fills in what follows from the values.
func (f *Figure) summarize() {
	f.Median, f.Min, f.Max = summary(f.Values)
}

// compare fills in the ratio to another case's figure. Rounds that one of them
// lacks do not count.
func (f *Figure) compare(base *Figure) {
	var ratios []float64
	for i := range min(len(f.Values), len(base.Values)) {
		if base.Values[i] != 0 {
			ratios = append(ratios, f.Values[i]/base.Values[i])
		}
	}
	if len(ratios) == 0 {
		return
	}
	f.Ratio = &Ratio{To: base.Case}
	f.Ratio.Median, f.Ratio.Min, f.Ratio.Max = summary(ratios)
}

// judge says whether the aim is met.
func (f *Figure) judge() {
	value := f.Median
	switch {
	case f.Aim == nil:
		return
	case f.Aim.OfRatio && f.Ratio == nil:
		f.Aim = nil // there is nothing to judge
		return
	case f.Aim.OfRatio:
		value = f.Ratio.Median
	}
	f.Aim.Met = value <= f.Aim.Value
	if f.Aim.AtLeast {
		f.Aim.Met = value >= f.Aim.Value
	}
}

// summary is the median, the smallest and the largest of some values, 0 of none.
func summary(values []float64) (median, least, most float64) {
	if len(values) == 0 {
		return 0, 0, 0
	}
	return quantile(values, 0.5), slices.Min(values), slices.Max(values)
}

// quantile is the value that a share q of the values does not exceed; between
// two values it is a straight line. It is 0 of no values.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	place := q * float64(len(sorted)-1)
	low := int(math.Floor(place))
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (place-float64(low))*(sorted[high]-sorted[low])
}

// milliseconds are durations as figures are written.
func milliseconds(all []time.Duration) []float64 {
	values := make([]float64, len(all))
	for i, d := range all {
		values[i] = float64(d) / float64(time.Millisecond)
	}
	return values
}
