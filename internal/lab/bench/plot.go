package bench

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// Plot is a picture of a measurement: bars, or lines over something.
type Plot struct {
	Name   string   `json:"name"` // of its file, without .svg
	Title  string   `json:"title"`
	Unit   string   `json:"unit"`             // of the values
	Across string   `json:"across,omitempty"` // what lines run over
	Log    bool     `json:"log,omitempty"`    // whether that is on a logarithmic scale
	Bars   []Bar    `json:"bars,omitempty"`
	Lines  []Series `json:"lines,omitempty"`
}

// Bar is the median of a figure, with its spread.
type Bar struct {
	Name             string  `json:"name"`
	Median, Min, Max float64 `json:",omitempty"`
}

// Series is one line.
type Series struct {
	Name   string       `json:"name"`
	Points [][2]float64 `json:"points"`
}

// plotBars draws a bar for each case that has the metric.
func (m *recorder) plotBars(title, metric string) {
	p := Plot{Name: m.plotName(), Title: title}
	for _, f := range m.Figures {
		if f.Metric != metric {
			continue
		}
		b := Bar{Name: f.Case}
		b.Median, b.Min, b.Max = summary(f.Values)
		p.Bars = append(p.Bars, b)
		p.Unit = f.Unit
	}
	if len(p.Bars) > 0 {
		m.Plots = append(m.Plots, p)
	}
}

// plotDistribution draws which share of the times of each case is below a time.
func (m *recorder) plotDistribution(title string) {
	p := Plot{Name: m.plotName(), Title: title, Unit: "%", Across: "ms", Log: true}
	order := m.order()
	names := slices.SortedFunc(maps.Keys(m.samples), func(a, b string) int { return order[a] - order[b] })
	for _, name := range names {
		line := Series{Name: name}
		for share := 0; share <= 100; share++ {
			if at := quantile(m.samples[name], float64(share)/100); at > 0 {
				line.Points = append(line.Points, [2]float64{at, float64(share)})
			}
		}
		p.Lines = append(p.Lines, line)
	}
	if len(p.Lines) > 0 {
		m.Plots = append(m.Plots, p)
	}
}

// plotLines draws lines.
func (m *recorder) plotLines(title, unit, across string, lines ...Series) {
	m.Plots = append(m.Plots, Plot{Name: m.plotName(), Title: title, Unit: unit, Across: across, Lines: lines})
}

func (m *recorder) plotName() string {
	if n := len(m.Plots); n > 0 {
		return fmt.Sprintf("%s-%d", m.Name, n+1)
	}
	return m.Name
}

// WritePlots writes every plot into a folder, which is made where it is not.
func (r Report) WritePlots(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // pictures are for everybody
		return fmt.Errorf("make the folder of the plots: %w", err)
	}
	for _, m := range r.Measurements {
		for _, p := range m.Plots {
			if err := replaceFile(filepath.Join(folder, p.Name+".svg"), []byte(p.svg())); err != nil {
				return fmt.Errorf("write the plot %s: %w", p.Name, err)
			}
		}
	}
	return nil
}
