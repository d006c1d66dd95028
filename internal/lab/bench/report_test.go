package bench

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNumber(t *testing.T) {
	t.Parallel()
	for value, want := range map[float64]string{
		0: "0", 0.01234: "0.0123", 0.5: "0.5", 1: "1", 2.345: "2.35", 12.34: "12.3", 99.96: "100",
		123.4: "123", 1234.5: "1,235", 1234567: "1,234,567", -0.25: "-0.25", -1234: "-1,234",
	} {
		if got := number(value); got != want {
			t.Errorf("number(%v) = %q, want %q", value, got, want)
		}
	}
}

// sample is a report with one of everything.
func sample() Report {
	m := &recorder{Measurement: &Measurement{Name: "latency", Title: "Latency <of> all", How: "In some way.", Rounds: 2}, say: func(string, ...any) {}}
	for _, value := range []float64{100, 300} {
		m.record("base", "commits", "1/s", value)
		m.record("other", "commits", "1/s", value/2)
	}
	m.wantRatio("commits", "other", "base", true, 0.85)
	m.want("commits", "base", true, 150)
	m.samples = map[string][]float64{"base": {1, 2, 30}, "other": {0.5, 200}}
	m.plotBars("Commits", "commits")
	m.plotDistribution("Times & more")
	m.plotLines("By the minute", "ms", "minute", Series{Name: "median", Points: [][2]float64{{1, 2}, {2, 2}}})
	m.note("Mind this.")
	m.finish()
	return Report{Machine: Machine{System: "linux/amd64", Cores: 2}, Measurements: []Measurement{*m.Measurement}}
}

func TestTable(t *testing.T) {
	t.Parallel()
	text := sample().Markdown("bench")
	for _, want := range []string{
		"| base  | commits | 200/s  | 100 – 300          |                        | ≥ 150/s ✓  |",
		"| other | commits | 100/s  | 50 – 150           | 0.5 × base (0.5 – 0.5) | ≥ 0.85 × ✗ |",
		"![Times & more](bench/latency-2.svg)", "Mind this.",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestPlotsAreXML(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "plots")
	r := sample()
	r.Measurements[0].Plots = append(r.Measurements[0].Plots, Plot{Name: "empty", Bars: []Bar{{Name: "none"}}}, Plot{Name: "nothing"})
	if err := r.WritePlots(folder); err != nil {
		t.Fatal(err)
	}
	for _, p := range r.Measurements[0].Plots {
		text, err := os.ReadFile(filepath.Join(folder, p.Name+".svg"))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "NaN") || strings.Contains(string(text), "Inf") {
			t.Errorf("%s: a value that is none:\n%s", p.Name, text)
		}
		decoder := xml.NewDecoder(strings.NewReader(string(text)))
		for err == nil {
			_, err = decoder.Token()
		}
		if !errors.Is(err, io.EOF) {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
}

func TestMarkdownStaysBetweenItsMarks(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "bench.md")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("before\n" + beginMark + "\nold\n" + endMark + "\nafter\n")
	for range 2 { // what was written once can be written again
		if err := sample().WriteMarkdown(file, ""); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got := string(text)
	if !strings.HasPrefix(got, "before\n") || !strings.HasSuffix(got, "\nafter\n") || strings.Contains(got, "old") || strings.Count(got, "| base ") != 1 {
		t.Errorf("the page is now\n%s", got)
	}
	write("a page of somebody's\n")
	if err := sample().WriteMarkdown(file, ""); err == nil {
		t.Error("a page without the marks was written over")
	}
}

func TestReportsOfTwoMachinesAreNotMixed(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "results.json")
	earlier := sample()
	earlier.Measurements = append(earlier.Measurements, Measurement{Name: "drain"})
	if err := earlier.WriteJSON(file); err != nil {
		t.Fatal(err)
	}
	read, found, err := ReadReport(file)
	if err != nil || !found {
		t.Fatal(found, err)
	}
	now := sample()
	now.Measurements[0].Rounds = 7
	if err := now.Keep(read); err != nil {
		t.Fatal(err)
	}
	if len(now.Measurements) != 2 || now.Measurements[0].Rounds != 7 || now.Measurements[1].Name != "drain" {
		t.Errorf("kept %+v", now.Measurements)
	}
	now.Machine.Cores = 64
	if now.Keep(read) == nil {
		t.Error("a report of another machine was kept")
	}
	if _, found, err := ReadReport(filepath.Join(t.TempDir(), "none")); found || err != nil {
		t.Error("a file that is not there:", found, err)
	}
}

func TestKnown(t *testing.T) {
	t.Parallel()
	if err := Known([]string{"latency", "drain"}); err != nil {
		t.Error(err)
	}
	if err := Known([]string{"latncy"}); err == nil || !strings.Contains(err.Error(), "latency") {
		t.Error(err)
	}
}
