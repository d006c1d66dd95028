package process

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
)

// Log is what a program has logged so far. It is safe for concurrent use.
type Log struct {
	most int

	mu      sync.Mutex
	lines   []string
	records []Record // of the lines; nil for one that is no JSON
	kept    map[string]int
	last    string
	changed chan struct{} // closed at the next line
	ended   chan struct{} // closed when nothing more comes
}

// NewLog returns an empty log that keeps the first lines with each message, as many
// as most says; 0 keeps everything.
func NewLog(most int) *Log {
	return &Log{most: most, kept: map[string]int{}, changed: make(chan struct{}), ended: make(chan struct{})}
}

// Follow reads what a program logs, to its end. Every line that is JSON is told in
// order; tell may be nil.
func (l *Log) Follow(from io.Reader, tell func(Record)) {
	defer close(l.ended)
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		r := parse(lines.Bytes())
		l.note(lines.Text(), r)
		if tell != nil && r != nil {
			tell(r)
		}
	}
}

func (l *Log) note(line string, r Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = line
	if msg := r.Msg(); l.most == 0 || l.kept[msg] < l.most {
		l.kept[msg]++
		l.lines = append(l.lines, line)
		l.records = append(l.records, r)
	}
	close(l.changed)
	l.changed = make(chan struct{})
}

// Lines is every line that was kept.
func (l *Log) Lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lines)
}

// Records is the lines, read as JSON; a line that is none is empty.
func (l *Log) Records() []Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.records)
}

// Last is the last line, whether it was kept or not.
func (l *Log) Last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// Saw returns the records with the message, so far.
func (l *Log) Saw(msg string) []Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.saw(msg)
}

func (l *Log) saw(msg string) (found []Record) {
	for _, r := range l.records {
		if r.Msg() == msg {
			found = append(found, r)
		}
	}
	return found
}

// Wait waits until the message was logged n times, and returns those records. It
// fails when the log ends before.
func (l *Log) Wait(ctx context.Context, msg string, n int) ([]Record, error) {
	for last := false; ; {
		l.mu.Lock()
		found, changed := l.saw(msg), l.changed
		l.mu.Unlock()
		if len(found) >= n {
			return found, nil
		}
		if last {
			return nil, fmt.Errorf("the program ended without logging %q %d times", msg, n)
		}
		select {
		case <-changed:
		case <-l.ended:
			last = true // a line may have come together with the end
		case <-ctx.Done():
			return nil, fmt.Errorf("the program has not logged %q %d times: %w", msg, n, context.Cause(ctx))
		}
	}
}
