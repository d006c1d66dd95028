package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/scrapersky/contactsync/internal/queue/admin"
)

// What is to be expected of a healthy installation.
const (
	leastSuccess   = 0.95
	mostRetries    = 0.05
	mostPerContact = 2.0  // seconds
	mostPerTen     = 20.0 // seconds, for ten contacts
)

// writeStatus shows a status on one screen.
func writeStatus(out io.Writer, s admin.Status) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, s.Sentence(time.Local))
	fmt.Fprintln(w)
	for _, l := range s.Leaders {
		since := ""
		if l.Since != nil {
			since = "since " + l.Since.Local().Format(time.DateTime)
		}
		fmt.Fprintf(w, "leader of slot %d\t%s\t%s\n", l.Slot, l.Instance, since)
		if l.PauseReason != "" {
			fmt.Fprintf(w, "  paused\t%s\n", l.PauseReason)
		}
	}
	q := s.Queue
	fmt.Fprintf(w, "due now\t%d\t%s\n", q.Due, oldest(q))
	fmt.Fprintf(w, "waiting for a retry or their time\t%d\t%s\n", q.Waiting, next(q))
	fmt.Fprintf(w, "in flight\t%d\t\n", q.InFlight)
	if q.Quarantined > 0 {
		fmt.Fprintf(w, "unanswered, not sent again yet\t%d\t\n", q.Quarantined)
	}
	fmt.Fprintf(w, "in Error\t%d\t\n", q.Error)

	m := s.Measures
	fmt.Fprintf(w, "\nlast %d hours\t%d contacts in %d cycles, %d requests\t\n", s.Hours, m.Contacts, m.Cycles, m.Requests)
	if m.Cycles > 0 {
		perTen := 10 * m.SecondsPerContact
		fmt.Fprintf(w, "success rate\t%.1f %%\t%s > 95 %%\n", 100*m.SuccessRate(), mark(m.SuccessRate() > leastSuccess))
		fmt.Fprintf(w, "retry rate\t%.1f %%\t%s < 5 %%\n", 100*m.RetryRate(), mark(m.RetryRate() < mostRetries))
		fmt.Fprintf(w, "time per contact\t%s\t%s ≤ 2 s\n", admin.Ago(m.SecondsPerContact), mark(m.SecondsPerContact <= mostPerContact))
		fmt.Fprintf(w, "time for ten contacts\t%s\t%s ≤ 20 s\n", admin.Ago(perTen), mark(perTen <= mostPerTen))
		fmt.Fprintf(w, "cycle\t%s\tslowest %s\n", admin.Ago(m.CycleSeconds), admin.Ago(m.SlowestCycleSeconds))
		fmt.Fprintf(w, "synced after a retry\t%d\t\n", m.Recovered)
	}
	for i, f := range s.Failures {
		if i == 0 {
			fmt.Fprintln(w, "\nfailures\tError / waiting\texample")
		}
		example := ""
		if f.Example != nil {
			example = shorten(*f.Example, 80)
		}
		fmt.Fprintf(w, "%s\t%d / %d\t%s\n", f.Code, f.Error, f.Waiting, example)
	}
	return w.Flush()
}

func oldest(q admin.Queue) string {
	if q.OldestDueSeconds == nil {
		return ""
	}
	return "the oldest last changed " + admin.Ago(max(0, *q.OldestDueSeconds)) + " ago"
}

func next(q admin.Queue) string {
	if q.NextRetryAt == nil {
		return ""
	}
	return "next at " + q.NextRetryAt.Local().Format(time.DateTime)
}

func mark(good bool) string {
	if good {
		return "✓"
	}
	return "✗"
}

func shorten(text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return string(runes[:most-1]) + "…"
}
