package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"
)

// Report is what a run found, and where.
type Report struct {
	Machine      Machine       `json:"machine"`
	Postgres     Postgres      `json:"postgres"`
	Measurements []Measurement `json:"measurements"`
}

// Measurement is what one measurement found.
type Measurement struct {
	Name    string            `json:"name"`
	Title   string            `json:"title"`
	How     string            `json:"how"`
	At      time.Time         `json:"at"`
	Version string            `json:"version"` // of contactsync
	Seconds float64           `json:"seconds"`
	Quick   bool              `json:"quick"` // small sizes: it shows that it works, and no more
	Rounds  int               `json:"rounds"`
	Figures []*Figure         `json:"figures"`
	Notes   []string          `json:"notes,omitempty"`
	Plots   []Plot            `json:"plots,omitempty"`
	Details map[string]string `json:"details,omitempty"` // for who looks closer: plans, statements
	Error   string            `json:"error,omitempty"`   // why it is not whole
}

// figure is that of a case and a metric, or nil.
func (m *Measurement) figure(name, metric string) *Figure {
	at := slices.IndexFunc(m.Figures, func(f *Figure) bool { return f.Case == name && f.Metric == metric })
	if at < 0 {
		return nil
	}
	return m.Figures[at]
}

// ReadReport reads a report that was written before. It answers false where
// there is no such file.
func ReadReport(file string) (r Report, found bool, err error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return r, false, nil
	}
	if err != nil {
		return r, false, fmt.Errorf("read the report: %w", err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, false, fmt.Errorf("read the report: %s is none: %w", file, err)
	}
	return r, true, nil
}

// Keep adds what an earlier report has of other measurements. It fails for a report of another machine or server: their figures do not belong
// side by side.
func (r *Report) Keep(earlier Report) error {
	if earlier.Machine != r.Machine || earlier.Postgres != r.Postgres {
		return errors.New("the earlier report is of another machine or another PostgreSQL: name another file")
	}
	for _, old := range earlier.Measurements {
		if !slices.ContainsFunc(r.Measurements, func(m Measurement) bool { return m.Name == old.Name }) {
			r.replace(old)
		}
	}
	return nil
}

// WriteJSON writes the report. A reader never sees half of it.
func (r Report) WriteJSON(file string) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return replaceFile(file, append(text, '\n'))
}

func replaceFile(file string, content []byte) error {
	half := file + ".part"
	if err := os.WriteFile(half, content, 0o644); err != nil { //nolint:gosec // a report is for everybody
		return err
	}
	return os.Rename(half, file)
}
