package web_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/web"
)

// drip opens a connection and sends a request byte by byte, which never comes
// to its end, until the server cuts the connection. It returns how long that
// took.
func drip(t *testing.T, addr, start string) time.Duration {
	t.Helper()
	began := time.Now()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, start); err != nil {
		t.Error(err)
		return 0
	}
	cut := make(chan struct{})
	go func() { // the server may say why before it goes
		defer close(cut)
		_, _ = io.Copy(io.Discard, conn)
	}()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-cut:
			return time.Since(began)
		case <-tick.C:
			_, _ = io.WriteString(conn, "x") // an error comes with the cut
		case <-t.Context().Done():
			return 0
		}
	}
}

// Clients that send a byte now and then, in the header or in the body, keep
// nobody from being answered, and are cut.
func TestSlowLoris(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	addr, stop := serve(t, web.Handler(web.Site{}))
	before := runtime.NumGoroutine()
	var slow sync.WaitGroup
	const each = 100
	for _, start := range []string{
		"",
		"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ",
		"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n",
	} {
		for range each {
			slow.Go(func() {
				if took := drip(t, addr, start); took > time.Minute {
					t.Errorf("%.20q was cut after %v", start, took)
				}
			})
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		slow.Wait()
	}()
	answered, slowest := 0, time.Duration(0)
	late := time.After(2 * time.Minute)
	for cut := false; !cut; {
		select {
		case <-done:
			cut = true
		case <-late:
			t.Fatal("slow clients are never cut")
		default:
			began := time.Now()
			if got := ask(t, addr, "GET /healthz HTTP/1.0\r\n\r\n"); got != "HTTP/1.0 200 OK" {
				t.Fatal(got)
			}
			answered++
			slowest = max(slowest, time.Since(began))
		}
	}
	t.Logf("%d answers beside %d slow clients, the slowest after %v; %d goroutines before, %d after", answered, 3*each, slowest, before, runtime.NumGoroutine())
	if answered == 0 || slowest > 10*time.Second {
		t.Errorf("%d answers, the slowest after %v", answered, slowest)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// Beyond the bound the newest are served and the oldest are gone, long before an
// idle connection would be closed anyway, so that those who hold connections do
// not keep a health check from its answer.
func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t, web.Handler(web.Site{}))
	began := time.Now()
	var first *bufio.Reader
	for i := range web.MaxConnections + 1 {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		reader := bufio.NewReader(conn)
		if _, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if i == 0 {
			first = reader
		}
	}
	_, err := first.ReadByte()
	if took := time.Since(began); !errors.Is(err, io.EOF) || took > 45*time.Second {
		t.Errorf("the oldest connection of too many ended after %v with %v", took, err)
	}
}

// What is sent is bounded, whatever the method.
func TestLimitsOfRequests(t *testing.T) {
	t.Parallel()
	read := make(chan error, 1)
	addr, _ := serve(t, web.Limited(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		read <- err
	})))
	body := strings.Repeat("x", 65<<10)
	if got := ask(t, addr, "POST / HTTP/1.0\r\nContent-Length: 66560\r\n\r\n"+body); got != "HTTP/1.0 200 OK" {
		t.Error(got)
	}
	if err := <-read; err == nil {
		t.Error("a body of 65 kB was read to its end")
	}
}

func TestForeignRequests(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t, web.Handler(web.Site{}))
	for request, want := range map[string]string{
		"HEAD /healthz HTTP/1.0\r\n\r\n":           "200",
		"POST /healthz HTTP/1.0\r\n\r\n":           "405",
		"DELETE /readyz HTTP/1.0\r\n\r\n":          "405",
		"TRACE /healthz HTTP/1.0\r\n\r\n":          "405",
		"CONNECT example.org:443 HTTP/1.0\r\n\r\n": "404",
		"GET http://example.org/healthz HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n": "200", // no proxy: the path alone counts
		"BREW /healthz HTTP/1.0\r\n\r\n":         "405",
		"GET /../../etc/passwd HTTP/1.0\r\n\r\n": "307",
		"GET /debug/pprof/ HTTP/1.0\r\n\r\n":     "404",
		"GET /healthz HTTP/9.9\r\n\r\n":          "505",
		"nonsense\r\n\r\n":                       "400",
		"GET /healthz HTTP/1.1\r\n\r\n":          "400", // no Host
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n": "4",
	} {
		if got := ask(t, addr, request); !strings.HasPrefix(got[strings.Index(got, " ")+1:], want) {
			t.Errorf("%q: %s, want %s", request, got, want)
		}
	}
}

// A client that sends many requests at once is answered one by one.
func TestPipelining(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t, web.Handler(web.Site{}))
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const n = 50
	go func() { _, _ = io.WriteString(conn, strings.Repeat("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", n)) }()
	reader := bufio.NewReader(conn)
	for i := range n {
		res, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	}
}
