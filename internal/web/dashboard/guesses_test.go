package dashboard

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// door is a gatekeeper with a page behind it.
type door struct {
	http.Handler
	log strings.Builder
}

func newDoor() *door {
	d := new(door)
	refuse := func(w http.ResponseWriter, _ *http.Request, status int) { w.WriteHeader(status) }
	g := newGatekeeper("right", newSeal("right"), slog.New(slog.NewTextHandler(&d.log, nil)), refuse)
	d.Handler = g.guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	return d
}

// person is somebody with a browser, or without one.
type person struct {
	from, via string // the address, and what a proxy at it says
	cookies   []*http.Cookie
}

func (p *person) try(ctx context.Context, d http.Handler, password string) int {
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	r.RemoteAddr = p.from
	if p.via != "" {
		r.Header.Set("X-Forwarded-For", p.via)
	}
	for _, c := range p.cookies {
		r.AddCookie(c)
	}
	r.SetBasicAuth("ada", password)
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	if set := w.Result().Cookies(); len(set) > 0 {
		p.cookies = set
	}
	return w.Code
}

// attack lets so many guess without a rest until the returned function is called, which
// tells how many passwords were tried.
func attack(ctx context.Context, d http.Handler, n int, guesser func(i, round int) person) (stop func() (tried int)) {
	ctx, cancel := context.WithCancel(ctx)
	var guessers sync.WaitGroup
	var mu sync.Mutex
	tried := 0
	for i := range n {
		guessers.Go(func() {
			for round := 0; ctx.Err() == nil; round++ {
				p := guesser(i, round)
				if p.try(ctx, d, "wrong") == http.StatusUnauthorized {
					mu.Lock()
					tried++
					mu.Unlock()
				}
				time.Sleep(60 * time.Millisecond)
			}
		})
	}
	return func() int { cancel(); guessers.Wait(); return tried }
}

// Whoever was let in once is let in while others guess: from the same address, by the
// hundred, and on a replica that has never seen him.
func TestWhoWasLetInStaysIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, replica := newDoor(), newDoor()
		me := person{from: "192.0.2.1:1"}
		if code := me.try(t.Context(), d, "right"); code != 200 || len(me.cookies) != 1 {
			t.Fatalf("answered %d, with cookies %v", code, me.cookies)
		}
		if c := me.cookies[0]; !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" {
			t.Errorf("the cookie is %v", c)
		}
		for _, d := range []*door{d, replica} {
			stop := attack(t.Context(), d, 300, func(int, int) person { return person{from: "192.0.2.1:1"} })
			time.Sleep(5 * time.Second)
			began := time.Now()
			for i := range 30 {
				if code := me.try(t.Context(), d, "right"); code != 200 {
					t.Errorf("try %d is answered %d", i, code)
				}
			}
			if took := time.Since(began); took > 0 {
				t.Errorf("30 tries waited for %v", took)
			}
			stop()
		}
		if !strings.Contains(d.log.String(), "somebody guesses the password") {
			t.Errorf("the log says %q", &d.log)
		}
	})
}

// Somebody who comes for the first time, with the right password and from where others
// guess, is let in within seconds.
func TestTheRightPasswordWaitsForSeconds(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		guessers int
		guesser  func(i, round int) person
		me       person
		most     time.Duration
	}{
		"same address": {
			64, func(int, int) person { return person{from: "192.0.2.1:1"} },
			person{from: "192.0.2.1:2"},
			guessWaits,
		},
		"same proxy, which tells us apart": {
			500, func(i, _ int) person {
				return person{from: "192.0.2.1:1", via: fmt.Sprintf("10.1.1.1, 10.0.0.%d", i%9)}
			},
			person{from: "192.0.2.1:2", via: "10.1.1.1, 10.0.0.77"},
			time.Second,
		},
		"same proxy, by an address that is made up": {
			500, func(_, round int) person {
				return person{from: "192.0.2.1:1", via: fmt.Sprintf("10.0.0.%d, 10.9.9.9", round%250)}
			},
			person{from: "192.0.2.1:2", via: "10.0.0.7"},
			time.Second,
		},
		"a thousand addresses": {
			1001, func(i, _ int) person { return person{from: fmt.Sprintf("198.18.%d.%d:1", i/250, i%250)} },
			person{from: "192.0.2.1:1"},
			time.Second,
		},
		"all of an IPv6 network": {
			500, func(i, round int) person {
				return person{from: fmt.Sprintf("[2001:db8:0:%x::1]:1", (i*331+round)%65536)}
			},
			person{from: "[2001:db8:1:1::1]:1"},
			time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newDoor()
				stop := attack(t.Context(), d, tt.guessers, tt.guesser)
				time.Sleep(10 * time.Second)
				began, longest := time.Now(), time.Duration(0)
				for i := range 30 {
					me, at := tt.me, time.Now()
					me.from = strings.TrimSuffix(me.from, "1") + fmt.Sprint(i+2)
					if code := me.try(t.Context(), d, "right"); code != 200 {
						t.Errorf("try %d is answered %d", i, code)
					}
					longest = max(longest, time.Since(at))
				}
				tried := stop()
				t.Logf("30 of 30 let in, the longest wait %v; %d passwords tried", longest, tried)
				if longest > tt.most {
					t.Errorf("one waited for %v, want %v at most", longest, tt.most)
				}
				if most := guessesAtOnce + int(guessesPerSecond*(10*time.Second+time.Since(began)).Seconds()) + 30; tried > most {
					t.Errorf("%d passwords were tried, want %d at most", tried, most)
				}
			})
		})
	}
}

// However many guess, from however many addresses, so many passwords are tried and no
// more; and nothing grows with them.
func TestGuessesAreBoundedForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		refuse := func(w http.ResponseWriter, _ *http.Request, status int) { w.WriteHeader(status) }
		g := newGatekeeper("right", newSeal("right"), slog.New(slog.DiscardHandler), refuse)
		d := g.guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		began := time.Now()
		stop := attack(t.Context(), d, 200, func(i, round int) person {
			n := round*200 + i
			return person{from: fmt.Sprintf("%d.%d.%d.7:1", 11+n>>16, n>>8&255, n&255), via: fmt.Sprintf("%d.%d.%d.8", 11+n>>16, n>>8&255, n&255)}
		})
		time.Sleep(20 * time.Second)
		tried := stop()
		took := time.Since(began)
		t.Logf("%d passwords tried in %v", tried, took)
		if most := guessesAtOnce + int(guessesPerSecond*took.Seconds()) + 1; tried > most || tried < most/2 {
			t.Errorf("%d passwords were tried in %v, want about %d", tried, took, most)
		}
		if n := len(g.guesses.tries.entries); n > mostSources || n != g.guesses.tries.order.Len() || len(g.guesses.waiting) != 0 {
			t.Errorf("%d sources are remembered, %d in order; %d wait", n, g.guesses.tries.order.Len(), len(g.guesses.waiting))
		}
	})
}

// A cookie does not let anybody in, and whoever has got hold of one may guess ten times
// with it and then waits like all others.
func TestACookieIsNoPassword(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDoor()
		me := person{from: "192.0.2.1:1"}
		me.try(t.Context(), d, "right")
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.AddCookie(me.cookies[0])
		w := httptest.NewRecorder()
		if d.ServeHTTP(w, r); w.Code != http.StatusUnauthorized {
			t.Errorf("the cookie alone is answered %d", w.Code)
		}
		stop := attack(t.Context(), d, 64, func(int, int) person { return person{from: "203.0.113.1:1", cookies: me.cookies} })
		time.Sleep(10 * time.Second)
		if tried, most := stop(), mistakes+guessesAtOnce+10*guessesPerSecond+64; tried > most {
			t.Errorf("with a stolen cookie %d passwords were tried, want %d at most", tried, most)
		}
		for name, value := range map[string]string{
			"another purpose": newSeal("right").sign(flashCookie, "id", time.Now().Add(time.Hour)),
			"another key":     newSeal("other").sign(visitorCookie, "id", time.Now().Add(time.Hour)),
			"too old":         newSeal("right").sign(visitorCookie, "id", time.Now()),
			"cut":             me.cookies[0].Value[1:], "nothing": "", "points": "..",
		} {
			if text, _ := newSeal("right").open(visitorCookie, value); text != "" {
				t.Errorf("%s: opened as %q", name, text)
			}
		}
	})
}

// Sources that are not heard of are forgotten, and scripts without cookies that have the
// right password do no harm to their address.
func TestLedger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var g guesses
		from := source{"network", "address", "client"}
		for range 1000 {
			if !g.enter(t.Context(), from, false) {
				t.Fatal("the right password has to wait for itself")
			}
			g.right(from, false)
		}
		if s := g.tries.of(from); s != (standing{}) {
			t.Errorf("right passwords count: %v", s)
		}
		g.enter(t.Context(), from, false)
		time.Sleep(lately)
		if s := g.tries.of(from); s != (standing{1, 1, 1}) {
			t.Errorf("after a while: %v", s)
		}
		time.Sleep(time.Second)
		if s := g.tries.of(from); s != (standing{}) {
			t.Errorf("later: %v", s)
		}
	})
}

func TestSourceOf(t *testing.T) {
	t.Parallel()
	for request, want := range map[string]source{
		"192.0.2.7:1":                              {"network 192.0.2.0/24", "192.0.2.7/32", "192.0.2.7/32 for "},
		"[::ffff:192.0.2.7]:1":                     {"network 192.0.2.0/24", "192.0.2.7/32", "192.0.2.7/32 for "},
		"[2001:db8:1:2:3::4%eth0]:1":               {"network 2001:db8:1::/48", "2001:db8:1:2::/64", "2001:db8:1:2::/64 for "},
		"192.0.2.7:1 1.1.1.1, 2001:db8::9":         {"network 192.0.2.0/24", "192.0.2.7/32", "192.0.2.7/32 for 2001:db8::/64"},
		"192.0.2.7:1 1.1.1.1,[2001:db8::9]:4":      {"network 192.0.2.0/24", "192.0.2.7/32", "192.0.2.7/32 for 2001:db8::/64"},
		"192.0.2.7:1 " + strings.Repeat("x", 9999): {"network 192.0.2.0/24", "192.0.2.7/32", "192.0.2.7/32 for "},
		"@": {"network ", "", " for "},
	} {
		remote, via, _ := strings.Cut(request, " ")
		r := &http.Request{RemoteAddr: remote, Header: http.Header{"X-Forwarded-For": {via}}}
		if got := sourceOf(r); got != want {
			t.Errorf("%q: %q, want %q", request, got, want)
		}
	}
}
