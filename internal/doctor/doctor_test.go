package doctor

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// run makes checks and answers how each ended, in a line.
func run(ctx context.Context, checks []Check) []string {
	var lines []string
	Run(ctx, checks, func(r Result) { lines = append(lines, r.Name+": "+string(r.Level)+": "+r.Found) })
	return lines
}

func TestNoCheckStopsAnother(t *testing.T) {
	t.Parallel()
	says := func(f Finding) func(context.Context) Finding {
		return func(context.Context) Finding { return f }
	}
	got := run(t.Context(), []Check{
		{Name: "a", Run: says(fail("mend it", "broken\n  in two lines"))},
		{Name: "b", Needs: []string{"a"}, Run: says(fine("never"))},
		{Name: "c", Needs: []string{"b"}, Run: says(fine("never"))},
		{Name: "slow", Within: 10 * time.Millisecond, Run: func(ctx context.Context) Finding {
			<-ctx.Done()
			return fail("", "%v", ctx.Err())
		}},
		{Name: "d", Run: says(warn("", "so so"))},
		{Name: "e", Needs: []string{"d"}, Run: says(fine("good"))},
	})
	want := []string{
		"a: failed: broken in two lines",
		`b: not checked: it needs "a" to be in order`,
		`c: not checked: it needs "b" to be in order`,
		"slow: failed: no answer within 10ms: context deadline exceeded",
		"d: warning: so so",
		"e: ok: good",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	got := run(ctx, []Check{
		{Name: "a", Run: func(context.Context) Finding {
			cancel()
			return fail("", "cut")
		}},
		{Name: "b", Run: func(context.Context) Finding { return fine("never") }},
	})
	if want := []string{"a: not checked: interrupted", "b: not checked: interrupted"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
