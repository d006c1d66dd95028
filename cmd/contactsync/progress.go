package main

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progressEvery is how often a pipe gets a line.
const progressEvery = 3 * time.Second

// progress is a bar on a terminal, and elsewhere a line every few seconds, so that
// whoever reads the log of a long run sees that it lives.
type progress struct {
	bar *progressbar.ProgressBar

	out   io.Writer
	what  string
	total int // negative: nobody knows
	done  int
	note  string // how far it is in other words; may be empty
	every time.Duration
	next  time.Time // when the next line is due
}

// newProgress begins; what says what is being done: "Queueing". A negative total
// is one that nobody knows.
func newProgress(out io.Writer, what string, total int) *progress {
	if !isTerminal(out) || total == 0 {
		return &progress{out: out, what: what, total: total, every: progressEvery, next: time.Now().Add(progressEvery)}
	}
	return &progress{bar: progressbar.NewOptions(total,
		progressbar.OptionSetWriter(out), progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("contacts"),
		progressbar.OptionSetPredictTime(true), progressbar.OptionFullWidth(), progressbar.OptionClearOnFinish())}
}

func (p *progress) add(n int) {
	if p.bar != nil {
		_ = p.bar.Add(n) // a bar that cannot be drawn is no reason to stop
		return
	}
	p.done += n
	now := time.Now()
	if now.Before(p.next) {
		return
	}
	p.next = now.Add(p.every)
	far := contacts(p.done)
	if p.total > 0 {
		far = fmt.Sprintf("%d of %s", p.done, contacts(p.total))
	}
	note := ""
	if p.note != "" {
		note = ", " + p.note
	}
	say(p.out, "%s: %s%s\n", p.what, far, note)
}

func (p *progress) finish() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
