// Package web is contactsync as seen over HTTP: whether it is alive, whether it is
// ready, its metrics and the dashboard. It is apart from the work so that a probe is
// served at once, whatever the work waits for, and so that one file shows what an
// outsider can reach.
package web

import (
	"context"
	"net/http"
)

// maxBody is how many bytes of a request's body are read at most.
const maxBody = 64 << 10

// Site is what the pages show. A field that is nil leaves its part out.
type Site struct {
	// Ping reports whether the database responds; /readyz shows that. It is called once a second at most, and has 2 s.
	Ping func(ctx context.Context) error

	// Metrics serves /metrics; it has to be bounded by itself.
	Metrics http.Handler

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
		mux.Handle("GET /metrics", site.Metrics)
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
