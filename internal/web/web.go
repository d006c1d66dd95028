// Package web is contactsync as seen over HTTP: whether it is alive, whether it is
// ready, its metrics and the dashboard. It is apart from the work so that a probe is
// served at once, whatever the work waits for, and so that one file shows what an
// outsider can reach.
package web

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// maxBody is how many bytes of a request's body are read at most.
const maxBody = 64 << 10

// Site is what the pages show. A field that is nil leaves its part out.
type Site struct {
	// Ping reports whether the database responds; /readyz shows that. It is called once a second at most, and has 2 s.
	Ping func(ctx context.Context) error

	// Metrics serves /metrics; it has to be bounded by itself.
	Metrics http.Handler

	// MetricsToken is what whoever asks for them has to send; empty: nothing.
	MetricsToken string

	// State returns what this process is doing.
	State func() State

	// Dashboard serves everything else.
	Dashboard http.Handler
}

// Handler is the whole site: every route there is stands here.
func Handler(site Site) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", alive)
	mux.Handle("GET /readyz", readiness(site))
	if site.Metrics != nil {
		mux.Handle("GET /metrics", withToken(site.MetricsToken, site.Metrics))
	}
	if site.Dashboard != nil {
		mux.Handle("/", site.Dashboard)
	}
	return limited(mux)
}

// limited bounds what a request may send, and forbids caches and type guessing.
func limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// withToken lets next see only requests with this bearer token; all where it is empty.
func withToken(token string, next http.Handler) http.Handler {
	if token == "" {
		return next
	}
	want := sha256.Sum256([]byte(token)) // hashes are compared in the same time for all
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		got := sha256.Sum256([]byte(strings.TrimSpace(given)))
		if right := subtle.ConstantTimeCompare(got[:], want[:]) == 1; !right || !strings.EqualFold(scheme, "Bearer") {
			w.Header().Set("WWW-Authenticate", `Bearer realm="contactsync metrics"`)
			http.Error(w, "METRICS_TOKEN is set: send it as \"Authorization: Bearer TOKEN\"", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}
