package api

import (
	"context"
	"net"
	"net/http"
	"strings"
	"time"
)

// maxConns is how many requests may be under way at a time. internal/drain sends eight
// batches at most, of more than 100 contacts fewer: the most are seven batches of
// two requests, and there is room for two more (probes, halves of a refused batch).
// With fewer connections requests would wait after the limiter.
const maxConns = 16

// maxResponseHeader bounds the header of an answer, in bytes.
const maxResponseHeader = 64 << 10

// NewHTTPClient builds a client for one CRM: HTTP/2 where the server speaks it,
// few connections, kept open while idle (so that the next contact need not wait for
// a handshake) and pinged, no cookies and no redirects. It has
// no timeout of its own: each request brings its deadline.
func NewHTTPClient() *http.Client {
	return withoutRedirects(&http.Client{Transport: &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dial,
		TLSHandshakeTimeout:    10 * time.Second,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second},
		MaxConnsPerHost:        maxConns,
		MaxIdleConnsPerHost:    maxConns,
		IdleConnTimeout:        5 * time.Minute,
		MaxResponseHeaderBytes: maxResponseHeader,
	}})
}

// dial opens connections that take what was not delivered with them when they
// are closed, also by the end of the process. Otherwise the kernel would go on
// trying to deliver a request that was given up, and could bring it after newer
// data.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}
	conn, err := dialer.DialContext(ctx, network, address)
	if tcp, ok := conn.(*net.TCPConn); ok && err == nil {
		err = tcp.SetLinger(0)
	}
	return conn, err
}

// withoutRedirects makes a client return a redirect instead of following it:
// whoever redirects an API call is not HubSpot, and must not get the token
// or the contacts. Cookies are left out for the same reason.
func withoutRedirects(c *http.Client) *http.Client {
	plain := *c
	plain.Jar = nil
	plain.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &plain
}

// CallName returns what a request asks for, one name of a few, for who counts or
// traces requests: the paths themselves hold ids, and may hold addresses.
func CallName(r *http.Request) string {
	path := r.URL.Path
	switch {
	case strings.HasSuffix(path, "/batch/upsert"):
		return "upsert"
	case strings.HasSuffix(path, "/batch/read"):
		return "read"
	case strings.Contains(path, "/account-info/"):
		return "account"
	case strings.Contains(path, "/properties/"):
		return "property"
	case r.Method == http.MethodPatch:
		return "update"
	}
	return "other"
}
