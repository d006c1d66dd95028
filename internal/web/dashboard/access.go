package dashboard

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"golang.org/x/time/rate"
)

// gatekeeper lets people in: with the password, or, where none is set, from this
// very machine alone.
type gatekeeper struct {
	password [sha256.Size]byte // its hash, so that comparing takes the same time for all
	open     bool              // there is no password
	refuse   func(w http.ResponseWriter, r *http.Request, status int)

	mu      sync.Mutex
	guesses map[string]*rate.Limiter // wrong passwords by the address they come from
}

// How often a wrong password may be tried from one address: a person mistypes,
// a program guesses.
const (
	guessesAtOnce = 10
	guessEvery    = 5 * time.Second
	mostGuessers  = 1000
)

func newGatekeeper(password string, refuse func(w http.ResponseWriter, r *http.Request, status int)) *gatekeeper {
	return &gatekeeper{
		password: sha256.Sum256([]byte(password)), open: password == "",
		refuse: refuse, guesses: map[string]*rate.Limiter{},
	}
}

// guard lets next see only requests of people who may come in, with their names.
func (g *gatekeeper) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, status := g.admit(r)
		if status != 0 {
			g.refuse(w, r, status)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), whoKey{}, who)))
	})
}

// admit returns who asks, or the status with which to refuse.
func (g *gatekeeper) admit(r *http.Request) (who string, status int) {
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
	hash := sha256.Sum256([]byte(password))
	g.mu.Lock() // of guesses made at once, none slips through beside another
	defer g.mu.Unlock()
	guess := g.guesser(r)
	if guess.Tokens() < 1 {
		return "", http.StatusTooManyRequests // also for the right one: any other status would reveal it
	}
	if subtle.ConstantTimeCompare(hash[:], g.password[:]) != 1 {
		guess.Allow()
		return "", http.StatusUnauthorized
	}
	return named(user), 0
}

// guesser returns the allowance of the address that a request comes from. Behind a
// proxy that is the proxy's address: its headers about others may be made up. An
// IPv6 address counts as its /64 network, since one guesser may have all of it. The
// caller holds the lock.
func (g *gatekeeper) guesser(r *http.Request) *rate.Limiter {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	if addr, err := netip.ParseAddr(host); err == nil && addr.Is6() && !addr.Is4In6() {
		const network = 64
		host = netip.PrefixFrom(addr, network).Masked().String()
	}
	if l, ok := g.guesses[host]; ok {
		return l
	}
	if len(g.guesses) >= mostGuessers {
		clear(g.guesses)
	}
	l := rate.NewLimiter(rate.Every(guessEvery), guessesAtOnce)
	g.guesses[host] = l
	return l
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
	user = strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(user, "")))
	if user == "" {
		return "somebody"
	}
	if runes := []rune(user); len(runes) > most {
		user = string(runes[:most])
	}
	return user
}

type whoKey struct{}

// who returns the name of who asks.
func who(r *http.Request) string {
	name, _ := r.Context().Value(whoKey{}).(string)
	return name
}
