package dashboard_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/netproxy"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
	"github.com/scrapersky/contactsync/internal/web/dashboard"
)

// Guessing in parallel, or from the many addresses of one IPv6 network, gains
// nothing.
func TestGuessingAtOnce(t *testing.T) {
	t.Parallel()
	d := board(t, nowhere, func(o *dashboard.Options) { o.Password = "right" })
	for name, from := range map[string]func(i int) string{
		"one address": func(int) string { return "192.0.2.1:1" },
		"one network": func(i int) string { return fmt.Sprintf("[2001:db8::%x]:1", i) },
	} {
		var heard atomic.Int64
		var guessers sync.WaitGroup
		began := time.Now()
		for i := range 200 {
			guessers.Go(func() {
				r := local(t, http.MethodGet, "/contacts/x")
				r.RemoteAddr = from(i)
				r.SetBasicAuth("ada", "wrong")
				if answer(d, r).Code == http.StatusUnauthorized {
					heard.Add(1)
				}
			})
		}
		guessers.Wait()
		// Twenty at once, and twenty more for each second that it took.
		if n, most := heard.Load(), 21+int64(20*time.Since(began)/time.Second); n > most {
			t.Errorf("%s: %d guesses were heard at once, want at most %d", name, n, most)
		}
	}
}

// A database that swallows everything does not make pages wait for each other.
func TestASilentDatabaseIsToldToAll(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	proxy := netproxy.New(t, pgtest.New(t))
	d := board(t, proxy.URL(), nil)
	if w := answer(d, local(t, http.MethodGet, "/")); w.Code != http.StatusOK {
		t.Fatalf("answered %d", w.Code)
	}
	proxy.Freeze()
	t.Cleanup(proxy.Thaw)
	time.Sleep(time.Second) // what was seen last is too old by now
	began := time.Now()
	var readers sync.WaitGroup
	for range 20 {
		readers.Go(func() {
			if w := answer(d, local(t, http.MethodGet, "/contacts")); w.Code != http.StatusServiceUnavailable {
				t.Errorf("answered %d", w.Code)
			}
		})
	}
	readers.Wait()
	// A look at the database is given up after 5 s: one after the other, the readers
	// would be told after 100 s.
	if took := time.Since(began); took > 50*time.Second {
		t.Errorf("20 readers at once are told after %v", took)
	}
}
