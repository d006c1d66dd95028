package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/scrapersky/contactsync/internal/doctor"
	"github.com/scrapersky/contactsync/internal/ops"
)

// doctorView shows checks for people: a line for each, and its remedy below.
type doctorView struct {
	out   io.Writer
	color bool
	width int    // of the names
	area  string // the last one shown
}

func newDoctorView(out io.Writer, checks []doctor.Check) *doctorView {
	v := &doctorView{out: out, color: colorful(out)}
	for _, c := range checks {
		v.width = max(v.width, len(c.Name))
	}
	return v
}

// levelMarks tell the levels apart, with the colours of a terminal. The words
// say the same to whoever cannot see either.
var levelMarks = map[doctor.Level]struct{ sign, color string }{
	doctor.OK:         {"✓", "\x1b[32m"},
	doctor.Warning:    {"!", "\x1b[33m"},
	doctor.Failed:     {"✗", "\x1b[31m"},
	doctor.NotChecked: {"-", "\x1b[90m"},
}

// show writes the line of a check at once: some take seconds.
func (v *doctorView) show(r doctor.Result) {
	if r.Area != v.area {
		if v.area != "" {
			_, _ = say(v.out, "\n")
		}
		_, _ = say(v.out, "%s\n", r.Area)
		v.area = r.Area
	}
	label := ours(fmt.Sprintf("%s %-*s", levelMarks[r.Level].sign, len(doctor.NotChecked), r.Level))
	indent := strings.Repeat(" ", len(doctor.NotChecked)+2)
	if v.color {
		label = ours(levelMarks[r.Level].color) + label + "\x1b[0m"
	}
	_, _ = say(v.out, "%s  %-*s  %s\n", label, v.width, r.Name, r.Found)
	if r.Remedy != "" {
		_, _ = say(v.out, "%s  %-*s  → %s\n", indent, v.width, "", r.Remedy)
	}
}

// sum writes the last line.
func (v *doctorView) sum(s *sheet) {
	_, _ = say(v.out, "\n%d checks: %d ok, %s, %d failed, %d not checked\n",
		len(s.Checks), s.Fine, ops.Count(s.Warnings, "warning", "warnings"), s.Failed, s.NotChecked)
}
