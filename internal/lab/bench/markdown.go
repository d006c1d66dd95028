package bench

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The marks between which a page has what a run writes; the rest of the page is
// left as it is.
const (
	beginMark = "<!-- figures: written by `bench --markdown`, not by hand -->"
	endMark   = "<!-- end of the figures -->"
)

// Markdown is the report for people, in a terminal or on a page. Plots are linked
// in the folder named, relative to the page; none where it is empty.
func (r Report) Markdown(plots string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d cores", r.Machine.System, r.Machine.Cores)
	for _, more := range []string{r.Machine.CPU, r.Machine.Memory} {
		if more != "" {
			b.WriteString(", " + more)
		}
	}
	where := ""
	if r.Postgres.Throwaway {
		where = ", throw-away"
	}
	fmt.Fprintf(&b, "; PostgreSQL %s%s, `fsync = %s`, `synchronous_commit = %s`, `shared_buffers = %s`; with the server, the simulator and the replicas all on it.\n",
		r.Postgres.Version, where, r.Postgres.Fsync, r.Postgres.SynchronousCommit, r.Postgres.SharedBuffers)
	for _, m := range r.Measurements {
		m.markdown(&b, plots)
	}
	return b.String()
}

func (m Measurement) markdown(b *strings.Builder, plots string) {
	fmt.Fprintf(b, "\n### %s\n\n%s\n\n", m.Title, m.How)
	size := ""
	if m.Quick {
		size = ", at the small sizes of `--quick`: no figures to go by"
	}
	fmt.Fprintf(b, "`bench %s` on %s; %d rounds, %.0f s%s.\n\n", m.Name, m.At.Format("2006-01-02"), m.Rounds, m.Seconds, size)
	if m.Error != "" {
		fmt.Fprintf(b, "**Not whole:** %s\n\n", m.Error)
	}
	if len(m.Figures) > 0 {
		b.WriteString(m.table())
	}
	for _, note := range m.Notes {
		fmt.Fprintf(b, "\n%s\n", note)
	}
	if plots != "" {
		for _, p := range m.Plots {
			fmt.Fprintf(b, "\n![%s](%s/%s.svg)\n", p.Title, plots, p.Name)
		}
	}
}

// table has a line for each figure.
func (m Measurement) table() string {
	rows := [][]string{{"case", "metric", "median", "smallest – largest", "against", "aim"}}
	last := ""
	for _, f := range m.Figures {
		name := f.Case
		if name == last {
			name = ""
		}
		last = f.Case
		row := []string{name, f.Metric, amount(f.Median, f.Unit), number(f.Min) + " – " + number(f.Max), "", ""}
		if r := f.Ratio; r != nil {
			row[4] = fmt.Sprintf("%s × %s (%s – %s)", number(r.Median), r.To, number(r.Min), number(r.Max))
		}
		if f.Aim != nil {
			row[5] = f.Aim.text(f.Unit)
		}
		rows = append(rows, row)
	}
	return grid(rows)
}

func (a Aim) text(unit string) string {
	sign, mark := "≤ ", " ✗"
	if a.AtLeast {
		sign = "≥ "
	}
	if a.Met {
		mark = " ✓"
	}
	if a.OfRatio {
		return sign + number(a.Value) + " ×" + mark
	}
	return sign + amount(a.Value, unit) + mark
}

// grid is a table whose columns also stand in line where nobody renders it.
func grid(rows [][]string) string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	line := func(cells []string, fill string) {
		for i, cell := range cells {
			b.WriteString("| " + cell + strings.Repeat(fill, widths[i]-utf8.RuneCountInString(cell)) + " ")
		}
		b.WriteString("|\n")
	}
	line(rows[0], " ")
	line(make([]string, len(widths)), "-")
	for _, row := range rows[1:] {
		line(row, " ")
	}
	return b.String()
}

func amount(value float64, unit string) string {
	switch {
	case unit == "":
		return number(value)
	case strings.HasPrefix(unit, "1/"):
		return number(value) + strings.TrimPrefix(unit, "1")
	default:
		return number(value) + " " + unit
	}
}

// number has three digits that count, and commas between thousands.
func number(value float64) string {
	size := math.Abs(value)
	switch {
	case size == 0:
		return "0"
	case size < 100:
		digits := max(0, 2-int(math.Floor(math.Log10(size))))
		text := strconv.FormatFloat(value, 'f', min(digits, 4), 64)
		if strings.Contains(text, ".") {
			text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
		}
		return text
	}
	text := strconv.FormatFloat(math.Round(size), 'f', 0, 64)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	if value < 0 {
		return "-" + text
	}
	return text
}

// WriteMarkdown writes the report into a page: between its marks where it has
// them, else it is the whole page. Plots are linked in the folder given, relative
// to the page.
func (r Report) WriteMarkdown(file, plots string) error {
	body := beginMark + "\n\n" + r.Markdown(plots) + "\n" + endMark
	page, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("read the page: %w", err)
	}
	before, rest, begun := strings.Cut(string(page), beginMark)
	_, after, ended := strings.Cut(rest, endMark)
	switch {
	case begun && ended:
		body = before + body + after
	case strings.TrimSpace(string(page)) != "":
		return fmt.Errorf("%s has no place for the figures: it needs the lines\n%s\n%s", file, beginMark, endMark)
	default:
		body += "\n"
	}
	return replaceFile(file, []byte(body))
}
