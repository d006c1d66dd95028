package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/scrapersky/contactsync/internal/ops"
	"github.com/scrapersky/contactsync/internal/printable"
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
	text := ours(printable.Text(v.Sentence))
	if color {
		text = ours(levelColors[v.Level]) + text + "\x1b[0m"
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	say(w, "%s\n\n", text)
	for i, sql := range rowsecurity.SQL(v.Hidden) {
		if i == 0 {
			say(w, "for the owner of the table to run\n")
		}
		say(w, "  %s\n", sql)
	}
	writeProcesses(w, v.Snapshot)
	q := v.Queue
	say(w, "due now\t%d\t%s\n", q.Due, oldest(q))
	say(w, "waiting for a retry or their time\t%d\t%s\n", q.Waiting, next(q))
	say(w, "in flight\t%d\t\n", q.InFlight)
	if q.Quarantined > 0 {
		say(w, "unanswered, not sent again yet\t%d\t\n", q.Quarantined)
	}
	say(w, "in Error\t%d\t\n", q.Error)
	for i, r := range v.Refusals {
		if i == 0 {
			say(w, "\nrefused by the database\tcontacts\twhy\n")
		}
		say(w, "%s, since %s\t%d\t%s\n", r.Stage, clock(r.Since, v.At), r.Contacts, printable.Clip(r.Text(), 300))
	}
	writeMeasures(w, v)
	for i, c := range v.Cycles {
		if i == 0 {
			say(w, "\nlast cycles\tcontacts\ttook\tsynced, retried, failed\n")
		}
		say(w, "%s\t%d\t%s\t%d, %d, %d\n", clock(c.FinishedAt, v.At), c.Claimed, ops.Ago(c.Seconds), c.Synced, c.Retried, c.Failed)
	}
	for i, f := range v.Failures {
		if i == 0 {
			say(w, "\nfailures\tError / waiting\texample\n")
		}
		example := ""
		if f.Example != nil {
			example = printable.Clip(*f.Example, 80)
		}
		say(w, "%s\t%d / %d\t%s\n", f.Code, f.Error, f.Waiting, example)
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
		say(w, "leader of slot %d\t%s\t%s%s%s\n", l.Slot, l.Instance, r.Version, since, limits(r))
		if l.PauseReason != "" {
			say(w, "  paused\t%s\n", l.PauseReason)
		}
	}
	for _, r := range s.Replicas {
		switch r.Role {
		case ops.RoleFollower:
			say(w, "waits to lead\t%s\t%s, since %s\n", r.Instance, r.Version, clock(r.StartedAt, s.At))
		case ops.RoleGone:
			say(w, "gone\t%s\t%s, silent for %s\n", r.Instance, r.Version, ops.Ago(r.SeenSeconds))
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
	say(w, "\nlast %s\t%s in %s, %s\t\n", span, contacts(m.Contacts), ops.Count(m.Cycles, "cycle", "cycles"), ops.Count(m.Requests, "request", "requests"))
	if m.Cycles == 0 {
		return
	}
	perTen := 10 * m.SecondsPerContact
	if l := v.Latency; l.P50 != nil && l.P95 != nil && l.P99 != nil {
		say(w, "from queued to HubSpot\t%s\t95 %% within %s, 99 %% within %s\n", ops.Ago(*l.P50), ops.Ago(*l.P95), ops.Ago(*l.P99))
	}
	say(w, "success rate\t%.1f %%\t%s > 95 %%\n", 100*m.SuccessRate(), mark(m.SuccessRate() > ops.LeastSuccess))
	say(w, "retry rate\t%.1f %%\t%s < 5 %%\n", 100*m.RetryRate(), mark(m.RetryRate() < ops.MostRetries))
	say(w, "time per contact\t%s\t%s ≤ 2 s\n", ops.Ago(m.SecondsPerContact), mark(m.SecondsPerContact <= ops.MostPerContact))
	say(w, "time for ten contacts\t%s\t%s ≤ 20 s\n", ops.Ago(perTen), mark(perTen <= mostPerTen))
	say(w, "cycle\t%s\tslowest %s\n", ops.Ago(m.CycleSeconds), ops.Ago(m.SlowestCycleSeconds))
	say(w, "synced after a retry\t%d\t\n", m.Recovered)
	if m.Unchanged > 0 {
		say(w, "unchanged, not sent\t%d\t\n", m.Unchanged)
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
