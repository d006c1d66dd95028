package drain

import (
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

// One step of an account's life, and what the breaker makes of it.
type breakerStep struct {
	name   string
	do     func(b *breaker, now time.Time)
	after  time.Duration // since the step before
	want   circuit
	until  time.Duration // since this step; while it is open
	due    int           // rows to be made due now
	proven bool
}

// An account's lives, step by step.
func TestBreaker(t *testing.T) {
	t.Parallel()
	record := func(report contact.Report) func(*breaker, time.Time) {
		return func(b *breaker, now time.Time) { b.Record(&contact.Answered{Report: report}, now) }
	}
	usable := record(contact.Report{Requests: 1})
	unsent := record(contact.Report{})
	outage := func(b *breaker, now time.Time) {
		b.Record(&contact.Answered{Report: contact.Report{Requests: 1, Outage: true, Outcomes: []contact.Outcome{{Verdict: contact.Retry, Code: contact.CodeTimeout}}}}, now)
	}
	refused := record(contact.Report{Requests: 1, Pause: &contact.AccountPause{Code: contact.CodeUnauthorized, Probe: true}})
	daily := record(contact.Report{Requests: 1, Pause: &contact.AccountPause{Code: contact.CodeDailyLimit, For: time.Hour}})
	probed := func(b *breaker, _ time.Time) { b.HalfOpen() }
	for name, life := range map[string][]breakerStep{
		"three outages in a row open it": {
			{name: "an answer", do: usable, want: closed, proven: true},
			{name: "an outage", do: outage, want: closed},
			{name: "a second one", do: outage, want: closed},
			{name: "an answer between", do: usable, want: closed, proven: true},
			{name: "an outage", do: outage, want: closed},
			{name: "a second one", do: outage, want: closed},
			{name: "a third one", do: outage, want: open, until: 5 * time.Second},
			{name: "what was in flight tells nothing new", do: usable, after: time.Second, want: open, until: 4 * time.Second},
			{name: "nor does its outage", do: outage, want: open, until: 4 * time.Second},
			{name: "its time is over", do: probed, after: 4 * time.Second, want: halfOpen},
			{name: "one outage is enough now", do: outage, want: open, until: 10 * time.Second},
			{name: "its time is over", do: probed, after: 10 * time.Second, want: halfOpen},
			{name: "longer, but not much", do: outage, want: open, until: 15 * time.Second},
			{name: "its time is over", do: probed, after: 15 * time.Second, want: halfOpen},
			{name: "nothing was sent", do: unsent, want: halfOpen},
			{name: "an answer", do: usable, want: closed, proven: true},
			{name: "an outage", do: outage, want: closed},
		},
		"a refused key opens it, and its rows follow one by one and then all": {
			{name: "refused", do: refused, want: open, until: 30 * time.Second},
			{name: "the probe fails", do: (*breaker).ProbeFailed, after: 30 * time.Second, want: open, until: time.Minute},
			{name: "and again", do: (*breaker).ProbeFailed, after: time.Minute, want: open, until: 2 * time.Minute},
			{name: "a new key", do: (*breaker).NewKey, after: time.Second, want: open, until: 0},
			{name: "the probe passes", do: probed, want: halfOpen, due: 1},
			{name: "a write is refused all the same", do: refused, want: open, until: 4 * time.Minute, due: 0},
			{name: "another contact's turn", do: probed, after: 4 * time.Minute, want: halfOpen, due: 0},
			{name: "refused", do: refused, want: open, until: 5 * time.Minute},
			{name: "one that waits has its turn", do: probed, after: 5 * time.Minute, want: halfOpen, due: 1},
			{name: "an answer", do: usable, want: closed, due: allRows, proven: true},
		},
		"it is open for as long as asked": {
			{name: "the day's limit", do: daily, want: open, until: time.Hour},
			{name: "for which a new key is nothing", do: (*breaker).NewKey, want: open, until: time.Hour},
			{name: "its time is over, and no row failed for it", do: probed, after: time.Hour, want: halfOpen},
		},
		"rows may wait for a key that was changed while nothing ran": {
			{name: "the check at the start", do: func(b *breaker, _ time.Time) { b.Checked() }, want: closed, due: 1},
			{name: "nothing was sent", do: unsent, want: closed},
			{name: "an answer", do: usable, want: closed, due: allRows, proven: true},
			{name: "another", do: usable, want: closed, proven: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, now := breaker{label: "Acme"}, at(0)
			for i, step := range life {
				now = now.Add(step.after)
				step.do(&b, now)
				if b.circuit != step.want || b.proven != step.proven || b.makeDue != step.due {
					t.Fatalf("step %d, %s: %+v, want circuit %d, %d rows due, proven %t", i, step.name, b, step.want, step.due, step.proven)
				}
				if got := b.until.Sub(now); b.circuit == open && got != step.until {
					t.Fatalf("step %d, %s: open for %v, want %v", i, step.name, got, step.until)
				}
				if (b.pause != nil) != (b.circuit == open) {
					t.Fatalf("step %d, %s: pause %+v", i, step.name, b.pause)
				}
				b.makeDue = 0 // it is done
			}
		})
	}
}

// Who pays for a failure: its rows while the account is believed to be usable,
// nobody otherwise; and the contact that was tried alone is not the next again.
func TestBreakerSpends(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		circuit circuit
		verdict contact.Verdict
		putOff  time.Duration
		opened  bool
	}{
		{"closed", closed, contact.Retry, 0, true},
		{"in flight when it opened", open, contact.Unspent, 0, false},
		{"half-open", halfOpen, contact.Unspent, 31 * time.Second, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := breaker{circuit: test.circuit}
			if b.circuit == open {
				b.pause = &contact.AccountPause{For: time.Hour}
			}
			report := contact.Answered{Report: contact.Report{
				Pause:    &contact.AccountPause{Code: contact.CodeUnauthorized, Probe: true},
				Outcomes: []contact.Outcome{{Verdict: contact.Retry}, {Verdict: contact.Reject}, {Verdict: contact.Synced}},
			}}
			if opened := b.Record(&report, at(0)); opened != test.opened {
				t.Errorf("opened: %t, want %t", opened, test.opened)
			}
			if o := report.Outcomes[0]; o.Verdict != test.verdict || o.PutOff != test.putOff {
				t.Errorf("got %+v, want %s, put off for %v", o, test.verdict, test.putOff)
			}
			if report.Outcomes[1].Verdict != contact.Reject || report.Outcomes[2].Verdict != contact.Synced {
				t.Errorf("got %+v, want the others left alone", report.Outcomes[1:])
			}
		})
	}
}

// An outage is told with the words of a row that it concerns.
func TestBreakerTellsTheOutage(t *testing.T) {
	t.Parallel()
	b := breaker{label: "Acme", circuit: halfOpen}
	b.Record(&contact.Answered{Report: contact.Report{Outage: true, Outcomes: []contact.Outcome{
		{Verdict: contact.Reject, Code: contact.CodeNoEmail, Message: "no email"},
		{Verdict: contact.Retry, Code: contact.CodeServerError, Message: "502"},
	}}}, at(0))
	if want := "Acme cannot be reached or answers with errors: 502"; b.pause == nil || b.pause.Code != contact.CodeServerError || b.pause.Reason != want {
		t.Errorf("got %+v, want SERVER_ERROR, %q", b.pause, want)
	}
}
