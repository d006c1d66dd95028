package dashboard

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/scrapersky/contactsync/internal/ops"
)

// The plots are drawn here and not in the browser: they need no script, and a
// change is a new picture. One unit of width is one step of time and the height
// is 100; the style stretches them to the place that there is.
const plotHeight = 100.0

// bar is one step of time in a plot.
type bar struct {
	X                       int
	Synced, Retried, Failed box
	Tip                     string // what a person reads when pointing at it
}

// box is a part of a bar, from the top.
type box struct{ Y, H float64 }

// throughput is how many contacts were synced, step by step.
type throughput struct {
	Width int
	Most  float64
	Bars  []bar
	Label string // for those who do not see it
}

func throughputOf(points []ops.Point) throughput {
	most := 0.0
	var total int64
	for _, p := range points {
		most = max(most, float64(p.Synced+p.Retried+p.Failed))
		total += p.Synced
	}
	t := throughput{Width: max(1, len(points)), Most: round(most)}
	for i, p := range points {
		b := bar{X: i, Tip: fmt.Sprintf("%s · %s synced", hourOf(p.At), number(p.Synced))}
		below := plotHeight
		stack := func(n int64) box {
			h := plotHeight * float64(n) / t.Most
			if n > 0 {
				h = max(h, 1.5) // one of many is still seen
			}
			below -= h
			return box{below, h}
		}
		b.Synced, b.Retried, b.Failed = stack(p.Synced), stack(p.Retried), stack(p.Failed)
		if p.Retried > 0 {
			b.Tip += fmt.Sprintf(", %s to retry", number(p.Retried))
		}
		if p.Failed > 0 {
			b.Tip += fmt.Sprintf(", %s failed", number(p.Failed))
		}
		t.Bars = append(t.Bars, b)
	}
	t.Label = fmt.Sprintf("Bars: %s contacts synced, at most %s in one step of time", number(total), number(int64(most)))
	return t
}

// hourOf is the time of a step, in UTC as all times here.
func hourOf(at time.Time) string { return at.UTC().Format("15:04") }

// latency is how long contacts took from their commit to the destination, step by step, on
// a scale of powers of ten from a millisecond on.
type latency struct {
	Width         int
	P50, P95, P99 string // paths
	Ticks         []string
	Lines         []float64 // heights of the ticks between top and bottom
	Tips          []bar
	Label         string
	Empty         bool
}

// decades are the labels of the powers of ten.
var decades = []string{"1 ms", "10 ms", "0.1 s", "1 s", "10 s", "100 s", "1000 s", "3 h"}

func latencyOf(points []ops.Point, label string) latency {
	l := latency{Width: max(1, len(points)), Empty: true}
	low, high := math.Inf(1), math.Inf(-1)
	for _, p := range points {
		if p50, p99 := p.Quantile(0.5), p.Quantile(0.99); p50 != nil {
			l.Empty = false
			low, high = min(low, decade(*p50)), max(high, decade(*p99))
		}
	}
	if l.Empty {
		l.Label = "No contact was synced in this time"
		return l
	}
	from := int(math.Floor(low))
	to := max(from+1, int(math.Ceil(high)))
	from, to = max(0, from), min(len(decades)-1, to)
	for k := to; k >= from; k-- {
		l.Ticks = append(l.Ticks, decades[k])
		if k != to && k != from {
			l.Lines = append(l.Lines, plotHeight*float64(to-k)/float64(to-from))
		}
	}
	y := func(s float64) float64 {
		return plotHeight * max(0, min(1, (float64(to)-decade(s))/float64(to-from)))
	}
	l.P50, l.P95, l.P99 = lineOf(points, 0.5, y), lineOf(points, 0.95, y), lineOf(points, 0.99, y)
	for i, p := range points {
		tip := hourOf(p.At) + " · nothing synced"
		if p50, p95, p99 := p.Quantile(0.5), p.Quantile(0.95), p.Quantile(0.99); p50 != nil {
			tip = fmt.Sprintf("%s · half in %s, 95 %% in %s, 99 %% in %s", hourOf(p.At), seconds(p50), seconds(p95), seconds(p99))
		}
		l.Tips = append(l.Tips, bar{X: i, Tip: tip})
	}
	sum := ops.Sum(points)
	l.Label = fmt.Sprintf("Lines: half of the contacts were in %s in %s, 95 of 100 in %s", label, seconds(sum.Quantile(0.5)), seconds(sum.Quantile(0.95)))
	return l
}

// decade is a duration as the power of ten of milliseconds.
func decade(s float64) float64 { return math.Log10(max(s, 0.001) * 1000) }

// lineOf is the path of a line through a quantile of the steps that have one; a step that
// stands alone is a short dash.
func lineOf(points []ops.Point, q float64, y func(float64) float64) string {
	var out strings.Builder
	drawn := false
	for i, p := range points {
		v := p.Quantile(q)
		if v == nil {
			drawn = false
			continue
		}
		at := y(*v)
		if !drawn {
			fmt.Fprintf(&out, "M%.1f %.1f", float64(i)+0.1, at)
		}
		fmt.Fprintf(&out, "L%.1f %.1f", float64(i)+0.5, at)
		if i+1 == len(points) || points[i+1].Quantile(q) == nil {
			fmt.Fprintf(&out, "L%.1f %.1f", float64(i)+0.9, at)
		}
		drawn = true
	}
	return out.String()
}
