package webhook

import (
	"context"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// maxResponseHeader bounds the header of an answer, in bytes.
const maxResponseHeader = 64 << 10

// NewHTTPClient builds a client for one webhook: few connections, kept open while
// idle, no cookies and no redirects. It has no timeout of its own: each request brings
// its deadline.
func NewHTTPClient() *http.Client {
	return withoutRedirects(&http.Client{Transport: &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dial,
		TLSHandshakeTimeout:    10 * time.Second,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second},
		MaxConnsPerHost:        inFlight,
		MaxIdleConnsPerHost:    inFlight,
		IdleConnTimeout:        5 * time.Minute,
		MaxResponseHeaderBytes: maxResponseHeader,
	}})
}

// dial opens connections that take what was not delivered with them when they are
// closed, also by the end of the process. Otherwise the kernel would go on trying to
// deliver a request that was given up, and could bring it after newer data.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}
	conn, err := dialer.DialContext(ctx, network, address)
	if tcp, ok := conn.(*net.TCPConn); ok && err == nil {
		err = tcp.SetLinger(0)
	}
	return conn, err
}

// withoutRedirects makes a client return a redirect instead of following it: where it
// leads is not what the settings name, and must not get the secret or the contacts.
func withoutRedirects(c *http.Client) *http.Client {
	plain := *c
	plain.Jar = nil
	plain.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &plain
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// leaving watches whether a request may have left. All that can be known for sure
// is that it got a connection.
type leaving struct{ connected atomic.Bool }

func (l *leaving) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		// A second try is made only of a request that surely has not left.
		GetConn: func(string) { l.connected.Store(false) },
		GotConn: func(httptrace.GotConnInfo) { l.connected.Store(true) },
	}
}

func (l *leaving) mayHave() bool { return l.connected.Load() }
