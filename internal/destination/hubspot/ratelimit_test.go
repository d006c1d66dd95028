package hubspot

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scrapersky/contactsync/internal/hubspotsim"
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

// passes notes when requests pass a gate that several want to pass for a while.
func passes(t *testing.T, g *gate, callers int, d time.Duration) []time.Time {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	var mu sync.Mutex
	var times []time.Time
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for {
				if _, _, err := g.pass(ctx); err != nil {
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
func TestGate(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1, 2, 5, 10, 49, 50, 99, 100, 190, 250, 1000} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := newGate(limit, 1, discard())
				times := passes(t, g, 4, 200*time.Second)
				if err := sleep(t.Context(), time.Minute); err != nil {
					t.Fatal(err)
				}
				again := passes(t, g, 4, 20*time.Second)
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

func TestGateLearns(t *testing.T) {
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
			g := newGate(test.share, test.slots, discard())
			g.learn(t.Context(), test.header, test.own)
			if g.limit != test.want {
				t.Errorf("limit %d, want %d", g.limit, test.want)
			}
			g.learn(t.Context(), limits(1_000_000, 999_999), 1)
			if g.limit != test.share {
				t.Errorf("limit %d when all is free again, want %d", g.limit, test.share)
			}
		})
	}
}

// A portal that allows less than was configured answers no request with 429.
func TestLowerLimitIsAdopted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sim := simOptions()
		sim.RatePer10s = 8
		p := inMemory(t, sim, func(o *Options) { o.RatePer10s = 100 })
		report := p.Upsert(t.Context(), people(3000))
		check(t, report, "3000 synced")
		if report.Requests != 30 {
			t.Errorf("%d requests, want 30: none refused", report.Requests)
		}
	})
}

// Two apps with one key, one of them unlimited, get along without a 429.
func TestOthersAreLeftTheirShare(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sim := simOptions()
		sim.RatePer10s = 100
		p := inMemory(t, sim, func(o *Options) { o.RatePer10s = 100 })
		other := newClient(t, Options{HTTP: &http.Client{Transport: direct{p.Sim}}}, func(o *Options) { o.RatePer10s = 60 })
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(2*time.Minute, cancel)
		var group sync.WaitGroup
		group.Go(func() {
			for ctx.Err() == nil {
				_, _ = other.Account(ctx)
			}
		})
		var mu sync.Mutex // requests end side by side
		refused, requests := 0, 0
		p.OnRequest(func(r hubspotsim.Request) {
			mu.Lock()
			defer mu.Unlock()
			requests++
			if r.Status == http.StatusTooManyRequests {
				refused++
			}
		})
		for ctx.Err() == nil {
			p.Upsert(ctx, people(1))
		}
		group.Wait()
		if refused > requests/100 {
			t.Errorf("%d of %d requests were refused", refused, requests)
		}
		t.Logf("%d of %d requests were refused", refused, requests)
	})
}

// Beside another app that sends its requests whatever the answers, most of what is
// left is used, by one slot or by several, and none is refused: who is waits for ten
// seconds.
func TestWhatOthersLeaveIsUsed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ slots, others int }{{1, 50}, {2, 5}, {2, 20}, {4, 20}} {
		t.Run(fmt.Sprintf("%d slots, %d requests of others", test.slots, test.others), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { testWhatOthersLeave(t, test.slots, test.others) })
		})
	}
}

func testWhatOthersLeave(t *testing.T, slots, others int) {
	t.Helper()
	const most = 190
	sim := simOptions()
	sim.RatePer10s, sim.Latency = most, 250*time.Millisecond
	share := func(o *Options) { o.RatePer10s, o.Slots = most/slots, slots }
	p := inMemory(t, sim, share)
	other := func(ctx context.Context) {
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) {}})
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://api.hubapi.com/account-info/v3/details", http.NoBody)
		if err != nil {
			t.Error(err)
			return
		}
		req.Header.Set("Authorization", "Bearer "+testToken)
		_, _ = direct{p.Sim}.RoundTrip(req) //nolint:bodyclose // a recorder's
	}
	var mu sync.Mutex
	status := map[int]int{}
	p.OnRequest(func(r hubspotsim.Request) {
		mu.Lock()
		defer mu.Unlock()
		status[r.Status]++
	})
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		for ctx.Err() == nil {
			group.Go(func() { other(ctx) })
			time.Sleep(window / time.Duration(others))
		}
	})
	for range slots {
		client := newClient(t, Options{HTTP: &http.Client{Transport: direct{p.Sim}}}, share)
		for range 2 * sideBySide {
			group.Go(func() {
				for ctx.Err() == nil {
					client.Upsert(ctx, people(1))
				}
			})
		}
	}
	time.Sleep(2 * time.Minute)
	mu.Lock()
	used, refused := status[http.StatusOK], status[http.StatusTooManyRequests]
	mu.Unlock()
	cancel()
	group.Wait()
	if least := 12 * (others + 9*(most-others)/10); used < least || refused > 0 {
		t.Errorf("%d requests in two minutes, %d refused; want at least %d and none", used, refused, least)
	}
}

// A request that waits for its turn goes with its caller.
func TestGateGivesUpWithTheCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(1, 1, discard())
		if _, own, err := g.pass(t.Context()); err != nil || own != 1 {
			t.Fatalf("own %d, %v", own, err)
		}
		for _, wait := range []func(){func() {}, func() { g.hold(time.Hour) }} {
			wait()
			ctx, cancel := context.WithCancel(t.Context())
			failed := make(chan error, 1)
			go func() {
				_, _, err := g.pass(ctx)
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
