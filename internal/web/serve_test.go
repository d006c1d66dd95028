package web_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/web"
)

// serve runs a server until the test ends or the returned function is called,
// which gives what Serve returned.
func serve(t *testing.T, handler http.Handler) (addr string, stop func() error) {
	t.Helper()
	ln, err := web.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- web.Serve(ctx, ln, handler, slog.New(slog.DiscardHandler)) }()
	t.Cleanup(cancel)
	return ln.Addr().String(), func() error { cancel(); return <-ended }
}

// ask sends a request as it is and returns the answer's first line.
func ask(t *testing.T, addr, request string) string {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// A server that refuses early stops reading.
	_, _ = io.WriteString(conn, request)
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

func TestServe(t *testing.T) {
	t.Parallel()
	addr, stop := serve(t, web.Handler(web.Site{}))
	if got := ask(t, addr, "GET /healthz HTTP/1.0\r\n\r\n"); got != "HTTP/1.0 200 OK" {
		t.Error(got)
	}
	long := "GET /healthz HTTP/1.0\r\nX-Long: " + strings.Repeat("x", 64<<10) + "\r\n\r\n"
	if got := ask(t, addr, long); !strings.HasPrefix(got, "HTTP/1.1 431") {
		t.Errorf("a header of 64 kB: %s", got)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr); err == nil {
		_ = conn.Close()
		t.Error("the port still answers")
	}
}

func TestServeFinishesAnswers(t *testing.T) {
	t.Parallel()
	asked, finish := make(chan struct{}), make(chan struct{})
	addr, stop := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(asked)
		<-finish
		if err := r.Context().Err(); err != nil {
			fmt.Fprint(w, err)
			return
		}
		w.WriteHeader(http.StatusTeapot)
	}))
	answer := make(chan string, 1)
	go func() { answer <- ask(t, addr, "GET / HTTP/1.0\r\n\r\n") }()
	<-asked
	ended := make(chan error, 1)
	go func() { ended <- stop() }()
	close(finish)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if got := <-answer; got != "HTTP/1.0 418 I'm a teapot" {
		t.Error(got)
	}
}

func TestServeCutsWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	asked, cut := make(chan struct{}), make(chan struct{})
	addr, stop := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
		close(cut)
	}))
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET / HTTP/1.0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-asked
	if err := stop(); err != nil {
		t.Error(err)
	}
	<-cut
}

func TestListenNamesTheSettings(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t, web.Handler(web.Site{}))
	_, err := web.Listen(t.Context(), addr)
	if err == nil || !strings.Contains(err.Error(), addr) || !strings.Contains(err.Error(), "set HTTP_ADDR to a free address") {
		t.Errorf("a port that is taken: %v", err)
	}
}

func TestServeReportsABrokenListener(t *testing.T) {
	t.Parallel()
	ln, err := web.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	if err := web.Serve(t.Context(), ln, web.Handler(web.Site{}), slog.New(slog.DiscardHandler)); err == nil {
		t.Error("no error")
	}
}
