// Package doctor looks an installation over: the database, the queue and the
// destinations' accounts, each thing by a check of its own that names what it found
// and what to do about it. It exists for the person who is told at night that
// contacts do not arrive and has never seen this program: every check runs,
// whatever the others say, so that one look is enough. It changes nothing.
package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/scrapersky/contactsync/internal/destination"
)

// A destination brings checks of its own, so their form belongs to the seam.
type (
	// Check is one thing to look at.
	Check = destination.Check
	// Finding is what a check found.
	Finding = destination.Finding
	// Level is how a check ended.
	Level = destination.Level
)

// The levels.
const (
	OK         = destination.OK
	Warning    = destination.Warning
	Failed     = destination.Failed
	NotChecked = destination.NotChecked
)

func fine(format string, args ...any) Finding { return destination.Fine(format, args...) }

func warn(remedy, format string, args ...any) Finding {
	return destination.Warn(remedy, format, args...)
}

func fail(remedy, format string, args ...any) Finding {
	return destination.Fail(remedy, format, args...)
}

func notChecked(format string, args ...any) Finding {
	return Finding{Level: NotChecked, Found: fmt.Sprintf(format, args...)}
}

// defaultWithin is more than any statement may take.
const defaultWithin = 15 * time.Second

// Result is a check that has been made, or could not be.
type Result struct {
	Area, Name string
	Finding
	Took time.Duration
}

// Run makes the checks one after the other and reports each as it ends. A check
// whose needs have not been met is reported without being made; no other failure
// stops any of them. When ctx ends, the rest is reported as not checked.
func Run(ctx context.Context, checks []Check, report func(Result)) {
	unmet := map[string]bool{}
	for _, c := range checks {
		r := Result{Area: c.Area, Name: c.Name}
		if missing := slices.IndexFunc(c.Needs, func(need string) bool { return unmet[need] }); missing >= 0 {
			r.Finding = notChecked("it needs %q to be in order", c.Needs[missing])
		} else {
			began := time.Now()
			r.Finding = makeCheck(ctx, c)
			r.Took = time.Since(began)
		}
		r.Found, r.Remedy = oneLine(r.Found), oneLine(r.Remedy)
		unmet[c.Name] = r.Level == Failed || r.Level == NotChecked
		report(r)
	}
}

func makeCheck(ctx context.Context, c Check) Finding {
	if ctx.Err() != nil {
		return notChecked("interrupted")
	}
	within := c.Within
	if within == 0 {
		within = defaultWithin
	}
	limited, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	finding := c.Run(limited)
	if finding.Level != OK && limited.Err() != nil {
		if ctx.Err() != nil {
			return notChecked("interrupted")
		}
		finding.Found = fmt.Sprintf("no answer within %v: %s", within, finding.Found)
	}
	return finding
}

// oneLine makes foreign text, such as an error of the server, one line.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
