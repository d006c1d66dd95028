package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/scrapersky/contactsync/internal/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func get(t *testing.T, handler http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return w
}

func TestHealthz(t *testing.T) {
	t.Parallel()
	dead := web.Site{Ping: func(context.Context) error { return errors.New("gone") }}
	if w := get(t, web.Handler(dead), "/healthz"); w.Code != http.StatusOK || w.Body.String() != "ok\n" {
		t.Errorf("got %d %q: alive has nothing to do with the database", w.Code, w.Body)
	}
}

func TestReadyz(t *testing.T) {
	t.Parallel()
	follower := func() web.State { return web.State{Role: "follower", Reason: "another leads"} }
	tests := map[string]struct {
		site web.Site
		code int
		body map[string]any
	}{
		"knows nothing": {web.Site{}, 200, map[string]any{"ready": true}},
		"a follower is ready": {
			web.Site{Ping: func(context.Context) error { return nil }, State: follower},
			200,
			map[string]any{"ready": true, "role": "follower", "reason": "another leads"},
		},
		"no database": {
			web.Site{Ping: func(context.Context) error { return errors.New("dial db.example.org: refused") }, State: follower},
			503,
			map[string]any{"ready": false, "role": "follower", "reason": "the database cannot be reached"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := get(t, web.Handler(tt.site), "/readyz")
			var body map[string]any
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
				t.Fatal(err)
			}
			if w.Code != tt.code || len(body) != len(tt.body) {
				t.Errorf("got %d %v, want %d %v", w.Code, body, tt.code, tt.body)
			}
			for key, want := range tt.body {
				if body[key] != want {
					t.Errorf("%s is %v, want %v", key, body[key], want)
				}
			}
			if strings.Contains(w.Body.String(), "example.org") {
				t.Errorf("the host is told to anybody: %s", w.Body)
			}
		})
	}
}

func TestReadyzGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		silent := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		began := time.Now()
		if w := get(t, web.Handler(web.Site{Ping: silent}), "/readyz"); w.Code != http.StatusServiceUnavailable {
			t.Errorf("got %d", w.Code)
		}
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("gave up after %s, want 2s", took)
		}
	})
}

func TestReadyzAsksOnceForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		handler := web.Handler(web.Site{Ping: func(context.Context) error {
			asked++
			time.Sleep(100 * time.Millisecond) // of the bubble's clock
			if asked == 1 {
				return errors.New("gone")
			}
			return nil
		}})
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if w := get(t, handler, "/readyz"); w.Code != http.StatusServiceUnavailable {
					t.Errorf("got %d", w.Code)
				}
			})
		}
		all.Wait()
		if asked != 1 {
			t.Errorf("50 requests asked the database %d times", asked)
		}
		time.Sleep(time.Second)
		if w := get(t, handler, "/readyz"); w.Code != http.StatusOK || asked != 2 {
			t.Errorf("a second later: %d, asked %d times", w.Code, asked)
		}
	})
}

func TestReadyzAnswersOthersWhenOneLeaves(t *testing.T) {
	t.Parallel()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	handler := web.Handler(web.Site{Ping: func(ctx context.Context) error { return ctx.Err() }})
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(gone, http.MethodGet, "/readyz", nil))
	if w := get(t, handler, "/readyz"); w.Code != http.StatusOK {
		t.Errorf("got %d: somebody else's hanging up counts as no database", w.Code)
	}
}

func TestMetricsToken(t *testing.T) {
	t.Parallel()
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	for _, tt := range []struct {
		token, sent string
		want        int
	}{
		{"", "", 204},
		{"", "Bearer anything", 204},
		{"right", "Bearer right", 204},
		{"right", "bearer  right ", 204},
		{"right", "", 401},
		{"right", "Bearer wrong", 401},
		{"right", "Bearer ", 401},
		{"right", "Bearer", 401},
		{"right", "right", 401},
		{"right", "Basic right", 401},
		{"right", "Bearer right right", 401},
		{"right", "Bearer righ", 401},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
		if tt.sent != "" {
			r.Header.Set("Authorization", tt.sent)
		}
		w := httptest.NewRecorder()
		web.Handler(web.Site{Metrics: metrics, MetricsToken: tt.token}).ServeHTTP(w, r)
		if w.Code != tt.want || (w.Code == 401) != strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Bearer ") || strings.Contains(w.Body.String(), "right") {
			t.Errorf("token %q, sent %q: %d %v %s, want %d", tt.token, tt.sent, w.Code, w.Header(), w.Body, tt.want)
		}
	}
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	for request, want := range map[string]int{
		"HEAD /healthz": 200, "POST /healthz": 405, "DELETE /readyz": 405, "GET /nothing": 404, "GET /": 404,
	} {
		method, path, _ := strings.Cut(request, " ")
		w := httptest.NewRecorder()
		web.Handler(web.Site{}).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, nil))
		if w.Code != want {
			t.Errorf("%s: %d, want %d", request, w.Code, want)
		}
		if w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: headers %v", request, w.Header())
		}
	}
}
