package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/scrapersky/contactsync/internal/ops"
	"github.com/scrapersky/contactsync/internal/rowsecurity"
)

// mostPerTen is how many seconds ten contacts take at most in a healthy installation.
const mostPerTen = 20.0

// The colours of the levels, on a terminal that has some.
var levelColors = map[ops.Level]string{
	ops.Healthy: "\x1b[32m", ops.Attention: "\x1b[33m", ops.Trouble: "\x1b[31m",
}

// writeStatus shows a status on one screen.
func writeStatus(out io.Writer, v view, color bool) error {
	text := tame(v.Sentence)
	if color {
		text = levelColors[v.Level] + text + "\x1b[0m"
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s\n\n", text)
	for i, sql := range rowsecurity.SQL(v.Hidden) {
		if i == 0 {
			fmt.Fprintln(w, "for the owner of the table to run")
		}
		fmt.Fprintf(w, "  %s\n", tame(sql))
	}
	writeProcesses(w, v.Snapshot)
	q := v.Queue
	fmt.Fprintf(w, "due now\t%d\t%s\n", q.Due, oldest(q))
	fmt.Fprintf(w, "waiting for a retry or their time\t%d\t%s\n", q.Waiting, next(q))
	fmt.Fprintf(w, "in flight\t%d\t\n", q.InFlight)
	if q.Quarantined > 0 {
		fmt.Fprintf(w, "unanswered, not sent again yet\t%d\t\n", q.Quarantined)
	}
	fmt.Fprintf(w, "in Error\t%d\t\n", q.Error)
	for i, r := range v.Refusals {
		if i == 0 {
			fmt.Fprintln(w, "\nrefused by the database\tcontacts\twhy")
		}
		fmt.Fprintf(w, "%s, since %s\t%d\t%s\n", r.Stage, clock(r.Since, v.At), r.Contacts, shorten(tame(r.Text()), 300))
	}
	writeMeasures(w, v)
	for i, c := range v.Cycles {
		if i == 0 {
			fmt.Fprintln(w, "\nlast cycles\tcontacts\ttook\tsynced, retried, failed")
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%d, %d, %d\n", clock(c.FinishedAt, v.At), c.Claimed, ops.Ago(c.Seconds), c.Synced, c.Retried, c.Failed)
	}
	for i, f := range v.Failures {
		if i == 0 {
			fmt.Fprintln(w, "\nfailures\tError / waiting\texample")
		}
		example := ""
		if f.Example != nil {
			example = shorten(tame(*f.Example), 80)
		}
		fmt.Fprintf(w, "%s\t%d / %d\t%s\n", f.Code, f.Error, f.Waiting, example)
	}
	return w.Flush()
}

// writeProcesses shows who leads, who waits, and who was there a while ago.
func writeProcesses(w io.Writer, s ops.Snapshot) {
	listed := map[string]ops.Replica{}
	for _, r := range s.Replicas {
		listed[r.Instance] = r
	}
	for _, l := range s.Leaders {
		since := ""
		if l.Since != nil {
			since = ", since " + clock(*l.Since, s.At)
		}
		r := listed[l.Instance]
		fmt.Fprintf(w, "leader of slot %d\t%s\t%s%s%s\n", l.Slot, tame(l.Instance), r.Version, since, limits(r))
		if l.PauseReason != "" {
			fmt.Fprintf(w, "  paused\t%s\n", tame(l.PauseReason))
		}
	}
	for _, r := range s.Replicas {
		switch r.Role {
		case ops.RoleFollower:
			fmt.Fprintf(w, "waits to lead\t%s\t%s, since %s\n", tame(r.Instance), r.Version, clock(r.StartedAt, s.At))
		case ops.RoleGone:
			fmt.Fprintf(w, "gone\t%s\t%s, silent for %s\n", tame(r.Instance), r.Version, ops.Ago(r.SeenSeconds))
		}
	}
}

// limits is what HubSpot said last of how many requests are left.
func limits(r ops.Replica) string {
	text := ""
	if r.RateMax != nil && r.RateLeft != nil {
		text += fmt.Sprintf(", %d of %d requests left in 10 s", *r.RateLeft, *r.RateMax)
	}
	if r.DailyMax != nil && r.DailyLeft != nil {
		text += fmt.Sprintf(", %d of %d today", *r.DailyLeft, *r.DailyMax)
	}
	return text
}

func writeMeasures(w io.Writer, v view) {
	m := v.Measures
	span := "hour"
	if v.Hours > 1 {
		span = fmt.Sprintf("%d hours", v.Hours)
	}
	fmt.Fprintf(w, "\nlast %s\t%s in %s, %s\t\n", span, contacts(m.Contacts), ops.Count(m.Cycles, "cycle", "cycles"), ops.Count(m.Requests, "request", "requests"))
	if m.Cycles == 0 {
		return
	}
	perTen := 10 * m.SecondsPerContact
	if l := v.Latency; l.P50 != nil && l.P95 != nil && l.P99 != nil {
		fmt.Fprintf(w, "from queued to HubSpot\t%s\t95 %% within %s, 99 %% within %s\n", ops.Ago(*l.P50), ops.Ago(*l.P95), ops.Ago(*l.P99))
	}
	fmt.Fprintf(w, "success rate\t%.1f %%\t%s > 95 %%\n", 100*m.SuccessRate(), mark(m.SuccessRate() > ops.LeastSuccess))
	fmt.Fprintf(w, "retry rate\t%.1f %%\t%s < 5 %%\n", 100*m.RetryRate(), mark(m.RetryRate() < ops.MostRetries))
	fmt.Fprintf(w, "time per contact\t%s\t%s ≤ 2 s\n", ops.Ago(m.SecondsPerContact), mark(m.SecondsPerContact <= ops.MostPerContact))
	fmt.Fprintf(w, "time for ten contacts\t%s\t%s ≤ 20 s\n", ops.Ago(perTen), mark(perTen <= mostPerTen))
	fmt.Fprintf(w, "cycle\t%s\tslowest %s\n", ops.Ago(m.CycleSeconds), ops.Ago(m.SlowestCycleSeconds))
	fmt.Fprintf(w, "synced after a retry\t%d\t\n", m.Recovered)
	if m.Unchanged > 0 {
		fmt.Fprintf(w, "unchanged, not sent\t%d\t\n", m.Unchanged)
	}
}

func oldest(q ops.Queue) string {
	if q.OldestDueSeconds == nil {
		return ""
	}
	return "the oldest for " + ops.Ago(max(0, *q.OldestDueSeconds))
}

func next(q ops.Queue) string {
	if q.NextRetryAt == nil {
		return ""
	}
	return "next at " + q.NextRetryAt.Local().Format(time.DateTime)
}

// clock is a time to the second, with the day where that is not today.
func clock(t, now time.Time) string {
	t, now = t.Local(), now.Local()
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format(time.TimeOnly)
	}
	return t.Format(time.DateTime)
}

func mark(good bool) string {
	if good {
		return "✓"
	}
	return "✗"
}

// tame keeps what others wrote, HubSpot's words with a contact's values in them for
// one, from moving the cursor or breaking the table.
func tame(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}

func shorten(text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return string(runes[:most-1]) + "…"
}
