package bench

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// recorder is what a measurement records with, and what it has of the world.
type recorder struct {
	*environment
	*Measurement

	say      func(format string, args ...any) // tells of progress
	compared []comparison
	aims     []wish
	samples  map[string][]float64 // for plots, by case
}

// comparison asks for the ratio of a case to another one.
type comparison struct{ metric, of, to string }

// wish is an aim for a case.
type wish struct {
	metric, of string
	aim        Aim
}

// sized is the small size in a quick run, else the full one.
func sized[T any](m *recorder, small, full T) T {
	if m.Quick {
		return small
	}
	return full
}

// oneCase is a case of a measurement: what it does in one round.
type oneCase struct {
	name string
	run  func(ctx context.Context, c *caseRound) error
}

// caseRound is one round of one case.
type caseRound struct {
	*recorder
	name  string
	round int
}

// rounds has the cases take turns. Each round begins with the next one, so that
// none is always the first after a pause or the last on a warm machine.
func (m *recorder) rounds(ctx context.Context, cases []oneCase) error {
	for round := range m.Rounds {
		for i := range cases {
			c := cases[(i+round)%len(cases)]
			began := time.Now()
			t := &caseRound{recorder: m, name: c.name, round: round}
			if err := c.run(ctx, t); err != nil {
				return fmt.Errorf("%s, round %d: %w", c.name, round+1, err)
			}
			m.say("round %d of %d  %s  (%.1f s)%s", round+1, m.Rounds, c.name, time.Since(began).Seconds(), t.latest())
		}
	}
	return nil
}

// latest tells the newest value of the case's first metric.
func (t *caseRound) latest() string {
	for _, f := range t.Figures {
		if f.Case == t.name && len(f.Values) > 0 {
			return fmt.Sprintf("  %s %s", f.Metric, amount(f.Values[len(f.Values)-1], f.Unit))
		}
	}
	return ""
}

// record notes a value of this round.
func (t *caseRound) record(metric, unit string, value float64) {
	t.recorder.record(t.name, metric, unit, value)
}

// times notes the median and the 99th percentile of some times, and the slowest.
func (t *caseRound) times(what string, all []time.Duration) {
	if len(all) == 0 {
		return
	}
	values := milliseconds(all)
	t.record(what+", median", "ms", quantile(values, 0.5))
	t.record(what+", 99th percentile", "ms", quantile(values, 0.99))
	t.record(what+", slowest", "ms", quantile(values, 1))
	if t.samples == nil {
		t.samples = map[string][]float64{}
	}
	t.samples[t.name] = append(t.samples[t.name], values...)
}

func (m *recorder) record(name, metric, unit string, value float64) {
	f := m.figure(name, metric)
	if f == nil {
		f = &Figure{Case: name, Metric: metric, Unit: unit}
		m.Figures = append(m.Figures, f)
	}
	f.Values = append(f.Values, value)
}

// compare asks for the ratio of a case to another one, in a metric.
func (m *recorder) compare(metric, of, to string) {
	m.compared = append(m.compared, comparison{metric, of, to})
}

// want sets an aim for the median of a figure.
func (m *recorder) want(metric, of string, atLeast bool, value float64) {
	m.aims = append(m.aims, wish{metric, of, Aim{AtLeast: atLeast, Value: value}})
}

// wantRatio asks for a ratio and sets an aim for it.
func (m *recorder) wantRatio(metric, of, to string, atLeast bool, value float64) {
	m.compare(metric, of, to)
	m.aims = append(m.aims, wish{metric, of, Aim{AtLeast: atLeast, Value: value, OfRatio: true}})
}

// note adds what a reader must know.
func (m *recorder) note(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(m.Notes, text) {
		m.Notes = append(m.Notes, text)
	}
}

// keepDetail adds what only who looks closer wants to know.
func (m *recorder) keepDetail(name, text string) {
	if m.Details == nil {
		m.Details = map[string]string{}
	}
	m.Details[name] = text
}

// finish computes what follows from the values. An aim for full sizes says
// nothing about small ones.
func (m *recorder) finish() {
	order := m.order()
	slices.SortStableFunc(m.Figures, func(a, b *Figure) int { return order[a.Case] - order[b.Case] })
	for _, f := range m.Figures {
		f.summarize()
	}
	for _, c := range m.compared {
		of, to := m.figure(c.of, c.metric), m.figure(c.to, c.metric)
		if of != nil && to != nil {
			of.compare(to)
		}
	}
	if m.Quick {
		return
	}
	for _, w := range m.aims {
		f := m.figure(w.of, w.metric)
		if f == nil {
			m.note("there is no figure for the aim of %q, %s", w.of, w.metric)
			continue
		}
		f.Aim = &w.aim
		f.judge()
	}
}

// order is the place of each case's first figure.
func (m *recorder) order() map[string]int {
	order := map[string]int{}
	for _, f := range m.Figures {
		if _, known := order[f.Case]; !known {
			order[f.Case] = len(order)
		}
	}
	return order
}
