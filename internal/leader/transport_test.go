package leader

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

func TestTransport(t *testing.T) {
	t.Parallel()
	var complete atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if body, err := io.ReadAll(r.Body); err == nil && (r.Method == http.MethodGet || string(body) == "body") {
			complete.Add(1)
		}
	}))
	defer server.Close()

	for name, test := range map[string]struct {
		method string
		asked  int32 // from which asking on the lease is lost; 0 is never
		sent   bool
	}{
		"fresh":                     {http.MethodPost, 0, true},
		"fresh, without a body":     {http.MethodGet, 0, true},
		"lost":                      {http.MethodPost, 1, false},
		"lost, without a body":      {http.MethodGet, 1, false},
		"lost while connecting":     {http.MethodPost, 2, false},
		"lost after it was written": {http.MethodPost, 10, true},
	} {
		before := complete.Load()
		base := &http.Transport{}
		var asked atomic.Int32
		client := http.Client{Transport: Transport(base, func() error {
			if n := asked.Add(1); test.asked > 0 && n >= test.asked {
				return ErrLeaseLost
			}
			return nil
		})}
		var body io.Reader
		if test.method == http.MethodPost {
			body = strings.NewReader("body")
		}
		req, err := http.NewRequestWithContext(t.Context(), test.method, server.URL, body)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(req)
		if err == nil {
			_ = res.Body.Close()
		}
		client.CloseIdleConnections()
		if test.sent != (err == nil) || !test.sent && !errors.Is(err, ErrLeaseLost) {
			t.Errorf("%s: error %v", name, err)
		}
		if arrived := complete.Load() > before; arrived != test.sent {
			t.Errorf("%s: arrived %t", name, arrived)
		}
	}
}
