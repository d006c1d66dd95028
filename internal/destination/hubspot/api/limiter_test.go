package api

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// busiest is the largest number of times in any span of a length, both of its
// ends included.
func busiest(times []time.Time, span time.Duration) int {
	most, first := 0, 0
	for last := range times {
		for times[last].Sub(times[first]) > span {
			first++
		}
		most = max(most, last-first+1)
	}
	return most
}

// passes returns when requests pass a limiter that several callers wait for.
func passes(t *testing.T, l *limiter, callers int, d time.Duration) []time.Time {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	var mu sync.Mutex
	var times []time.Time
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for {
				if _, _, err := l.wait(ctx); err != nil {
					return
				}
				mu.Lock()
				times = append(times, time.Now())
				mu.Unlock()
			}
		})
	}
	group.Wait()
	return times
}

// In any 10 s at most the limit leaves, however many want to, also after a long
// rest; and in the long run at least 98 % of it does.
func TestLimiter(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1, 2, 5, 10, 49, 50, 99, 100, 190, 250, 1000} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newLimiter(limit, 1, discard())
				times := passes(t, l, 4, 200*time.Second)
				if err := sleep(t.Context(), time.Minute); err != nil {
					t.Fatal(err)
				}
				again := passes(t, l, 4, 20*time.Second)
				// Also where the way to HubSpot squeezes them a little.
				if got := busiest(append(times, again...), window+jitter-time.Millisecond); got > limit {
					t.Errorf("%d requests in 10 s, want at most %d", got, limit)
				}
				// 200 s cannot hold a whole number of spans: count the last one as it is.
				if got := float64(len(times)) / 20; got < 0.98*float64(limit) {
					t.Errorf("%.2f requests in 10 s on average, want at least 98 %% of %d", got, limit)
				}
			})
		})
	}
}

func limits(most, remaining int, more ...string) http.Header {
	h := http.Header{}
	h.Set("X-HubSpot-RateLimit-Max", strconv.Itoa(most))
	h.Set("X-HubSpot-RateLimit-Remaining", strconv.Itoa(remaining))
	if len(more) > 0 {
		h.Set("X-HubSpot-RateLimit-Interval-Milliseconds", more[0])
	}
	return h
}

func TestLimiterLearns(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		share  int
		slots  int
		header http.Header
		own    int
		want   int
	}{
		{"no headers", 100, 1, http.Header{}, 1, 100},
		{"nonsense", 100, 1, http.Header{"X-Hubspot-Ratelimit-Max": {"-5"}}, 1, 100},
		{"zero", 100, 1, limits(0, 0), 1, 100},
		{"a higher limit is not ours to use", 100, 1, limits(190, 189), 1, 100},
		{"a lower limit", 190, 1, limits(100, 99), 1, 100},
		{"a lower limit, shared", 95, 2, limits(100, 99), 1, 50},
		{"a limit below the slots", 10, 8, limits(5, 4), 1, 1},
		{"a shorter interval", 190, 1, limits(5, 4, "1000"), 1, 50},
		{"used up by ourselves", 100, 1, limits(100, 2), 98, 100},
		{"others use a little", 100, 1, limits(100, 95), 1, 100},
		{"others use most of it", 100, 1, limits(100, 15), 5, 15},
		{"others use all of it", 100, 1, limits(100, 0), 0, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := newLimiter(test.share, test.slots, discard())
			l.learn(t.Context(), test.header, test.own)
			if l.limit != test.want {
				t.Errorf("limit %d, want %d", l.limit, test.want)
			}
			l.learn(t.Context(), limits(1_000_000, 999_999), 1)
			if l.limit != test.share {
				t.Errorf("limit %d when all is free again, want %d", l.limit, test.share)
			}
		})
	}
}

// A request that waits for its turn goes with its caller.
func TestLimiterGivesUpWithTheCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(1, 1, discard())
		if _, own, err := l.wait(t.Context()); err != nil || own != 1 {
			t.Fatalf("own %d, %v", own, err)
		}
		for _, wait := range []func(){func() {}, func() { l.hold(time.Hour) }} {
			wait()
			ctx, cancel := context.WithCancel(t.Context())
			failed := make(chan error, 1)
			go func() {
				_, _, err := l.wait(ctx)
				failed <- err
			}()
			synctest.Wait()
			cancel()
			if err := <-failed; err == nil {
				t.Error("passed")
			}
		}
	})
}
