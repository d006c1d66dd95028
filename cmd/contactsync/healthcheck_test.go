package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/web"
)

func TestHealthcheck(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(web.Handler(web.Site{}))
	t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	sick := httptest.NewServer(http.RedirectHandler("/elsewhere", http.StatusFound))
	t.Cleanup(sick.Close)
	gone := httptest.NewServer(nil)
	gone.Close()

	tests := map[string]struct {
		env    map[string]string
		code   int
		stderr string
	}{
		"alive":              {map[string]string{"HTTP_ADDR": "127.0.0.1:" + port}, 0, ""},
		"on every interface": {map[string]string{"PORT": port}, 0, ""},
		"only the port":      {map[string]string{"HTTP_ADDR": ":" + port}, 0, ""},
		"something else":     {map[string]string{"HTTP_ADDR": sick.Listener.Addr().String()}, 1, "answers 302 Found"},
		"nothing":            {map[string]string{"HTTP_ADDR": gone.Listener.Addr().String()}, 1, "does not answer"},
		"any port":           {map[string]string{"HTTP_ADDR": "127.0.0.1:0"}, 2, "port 0"},
		"a bad address":      {map[string]string{"HTTP_ADDR": "here"}, 2, `HTTP_ADDR="here"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stdout, stderr, code := inProcess(t, tt.env, "healthcheck")
			if code != tt.code || !strings.Contains(stderr, tt.stderr) || (stdout == "ok\n") != (code == 0) {
				t.Errorf("exit code %d, want %d\nstdout %q\nstderr %q", code, tt.code, stdout, stderr)
			}
		})
	}
}

func TestHealthURL(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"0.0.0.0:8080": "http://127.0.0.1:8080/healthz", ":8080": "http://127.0.0.1:8080/healthz",
		"[::]:8080": "http://[::1]:8080/healthz", "[::1]:8080": "http://[::1]:8080/healthz",
		"10.0.0.7:80": "http://10.0.0.7:80/healthz", "localhost:80": "http://localhost:80/healthz",
	} {
		if got, err := healthURL(addr); err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", addr, got, err, want)
		}
	}
}
