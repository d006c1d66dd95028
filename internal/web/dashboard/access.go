package dashboard

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/scrapersky/contactsync/internal/printable"
)

// gatekeeper lets people in: with the password, or, where none is set, from this
// very machine alone. Whoever was let in is given a cookie that he is known by: it
// lets nobody in by itself, but the password that comes with it never waits for what
// others guess, nor does it count among their guesses.
type gatekeeper struct {
	password [sha256.Size]byte // its hash, so that comparing takes the same time for all
	open     bool              // there is no password
	refuse   func(w http.ResponseWriter, r *http.Request, status int)
	seal     *seal
	guesses  guesses
	log      *slog.Logger
	told     told
}

const (
	visitorCookie = "contactsync-visitor"
	visitorLasts  = 90 * 24 * time.Hour
	visitorFresh  = 24 * time.Hour // then it is given anew
)

func newGatekeeper(password string, seal *seal, log *slog.Logger, refuse func(w http.ResponseWriter, r *http.Request, status int)) *gatekeeper {
	return &gatekeeper{password: sha256.Sum256([]byte(password)), open: password == "", refuse: refuse, seal: seal, log: log}
}

// guard lets next see only requests of people who may come in, with their names.
func (g *gatekeeper) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, status := g.admit(w, r)
		if status != 0 {
			g.refuse(w, r, status)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), whoKey{}, who)))
	})
}

// admit returns who asks, or the status with which to refuse.
func (g *gatekeeper) admit(w http.ResponseWriter, r *http.Request) (who string, status int) {
	if g.open {
		if !fromHere(r) {
			return "", http.StatusForbidden
		}
		return "loopback", 0
	}
	user, password, given := r.BasicAuth()
	if !given {
		return "", http.StatusUnauthorized
	}
	id, until := g.known(r)
	from, known := sourceOf(r), id != ""
	if known {
		from = visitor(id)
	}
	if !g.guesses.enter(r.Context(), from, known) {
		g.note(r, false)
		return "", http.StatusTooManyRequests // also for the right one: any other status would reveal it
	}
	hash := sha256.Sum256([]byte(password))
	if subtle.ConstantTimeCompare(hash[:], g.password[:]) != 1 {
		g.note(r, true)
		return "", http.StatusUnauthorized
	}
	g.guesses.right(from, known)
	if id == "" {
		id = rand.Text()
	}
	if time.Until(until) < visitorLasts-visitorFresh {
		http.SetCookie(w, kept(r, visitorCookie, g.seal.sign(visitorCookie, id, time.Now().Add(visitorLasts)), visitorLasts))
	}
	return named(user), 0
}

// known returns by what somebody who was let in before is known, and until when.
func (g *gatekeeper) known(r *http.Request) (id string, until time.Time) {
	for _, c := range r.CookiesNamed(visitorCookie) { // somebody else's may stand before ours
		if id, until := g.seal.open(visitorCookie, c.Value); id != "" {
			return id, until
		}
	}
	return "", time.Time{}
}

// told is what the log has been told of wrong passwords.
type told struct {
	mu            sync.Mutex
	wrong, putOff int // since the last line
	last          time.Time
}

// note counts a password that was wrong, or that was put off, and logs it when there are
// more than a person mistypes, once a minute.
func (g *gatekeeper) note(r *http.Request, wrong bool) {
	t := &g.told
	t.mu.Lock()
	defer t.mu.Unlock()
	if wrong {
		t.wrong++
	} else {
		t.putOff++
	}
	if t.wrong+t.putOff < mistakes || time.Since(t.last) < time.Minute {
		return
	}
	g.log.WarnContext(r.Context(), "dashboard: somebody guesses the password", "wrong", t.wrong, "put_off", t.putOff, "last_from", r.RemoteAddr)
	t.wrong, t.putOff, t.last = 0, 0, time.Now()
}

// fromHere reports whether the request comes from this very machine. A name that merely leads here
// (DNS rebinding) does not count, nor what a proxy on this machine passes on.
func fromHere(r *http.Request) bool {
	for header := range r.Header {
		if slices.Contains(passedOn, header) || strings.HasPrefix(header, "X-Forwarded-") {
			return false
		}
	}
	if !r.ProtoAtLeast(1, 1) { // nginx sends 1.0 by default, with our own name and without a header
		return false
	}
	for _, header := range []string{"Origin", "Referer"} { // the name that a browser knows us by
		from, err := url.Parse(r.Header.Get(header))
		if err != nil || from.Host != "" && !isLoopback(from.Host) {
			return false
		}
	}
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !remote.Addr().Unmap().IsLoopback() {
		return false
	}
	return isLoopback(r.Host)
}

// passedOn are headers that proxies add, beside those that begin with X-Forwarded-.
var passedOn = []string{"Forwarded", "Via", "X-Real-Ip", "X-Request-Id", "X-Envoy-Internal", "X-Envoy-External-Address", "Cf-Connecting-Ip"}

// isLoopback reports whether a host, with or without a port, names this machine.
func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && addr.IsLoopback()
}

// named returns a user's name as it is recorded; any name will do.
func named(user string) string {
	const most = 60
	user = printable.Clip(strings.TrimSpace(user), most)
	if user == "" {
		return "somebody"
	}
	return user
}

type whoKey struct{}

// who returns the name of who asks.
func who(r *http.Request) string {
	name, _ := r.Context().Value(whoKey{}).(string)
	return name
}
