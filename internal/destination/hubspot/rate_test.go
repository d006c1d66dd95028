package hubspot

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scrapersky/contactsync/internal/destination/hubspot/api"
	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

// A portal that allows less than was configured returns no 429.
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
		other := newClient(t, api.Options{HTTP: &http.Client{Transport: direct{p.Sim}}}, func(o *Options) { o.RatePer10s = 60 })
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
			time.Sleep(10 * time.Second / time.Duration(others))
		}
	})
	for range slots {
		client := newClient(t, api.Options{HTTP: &http.Client{Transport: direct{p.Sim}}}, share)
		for range 2 * api.Concurrency {
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
