package soak

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// diary is what was done to the world, with times, for whoever looks into a run
// that failed.
type diary struct {
	mu   sync.Mutex
	file *os.File
}

func newDiary(t *testing.T, path string) *diary {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	return &diary{file: file}
}

func (d *diary) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, _ = fmt.Fprintf(d.file, "%s %s\n", time.Now().UTC().Format("15:04:05.000"), fmt.Sprintf(format, args...)) // for people
}

func (d *diary) close() { _ = d.file.Close() }

// counts is how often what happened.
type counts struct {
	mu *sync.Mutex
	of map[string]int
}

func newCounts() counts { return counts{mu: &sync.Mutex{}, of: map[string]int{}} }

func (c counts) add(what string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of[what] += n
}

func (c counts) get(what string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.of[what]
}

// under lists what begins with a prefix: "3 this, 4 that".
func (c counts) under(prefix string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(c.of)) {
		if rest, ok := strings.CutPrefix(what, prefix); ok {
			parts = append(parts, fmt.Sprintf("%d %s", c.of[what], rest))
		}
	}
	return strings.Join(parts, ", ")
}
