// Package outgoing is what the requests to all destinations have in common: how
// connections are made, that redirects are not followed, and whether a request may have
// left. What an answer means is each destination's own.
package outgoing

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

// maxResponseHeader bounds the header of an answer, in bytes.
const maxResponseHeader = 64 << 10

// NewClient builds a client for one destination: HTTP/2 where the server speaks it, so
// many connections at most, kept open while idle (so that the next contact need not wait
// for a handshake) and pinged, no cookies and no redirects. It has no timeout of its own:
// each request brings its deadline.
func NewClient(maxConns int) *http.Client {
	return WithoutRedirects(&http.Client{Transport: &http.Transport{
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

// WithoutRedirects makes a client return a redirect instead of following it: where it
// leads is not what the settings name, and must not get the secret or the contacts.
// Cookies are left out for the same reason.
func WithoutRedirects(c *http.Client) *http.Client {
	plain := *c
	plain.Jar = nil
	plain.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &plain
}

// IsLoopback reports whether a host, without its port, is this machine.
func IsLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Leaving watches whether a request may have left. All that can be known for sure
// is that it got a connection: when the caller breaks the request off, the bytes may
// be on their way while nobody has noted it yet.
type Leaving struct{ connected atomic.Bool }

// Trace is for the request's context.
func (l *Leaving) Trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		// A second try is made only of a request that surely has not left.
		GetConn: func(string) { l.connected.Store(false) },
		GotConn: func(httptrace.GotConnInfo) { l.connected.Store(true) },
	}
}

// MayHave reports whether it may have left.
func (l *Leaving) MayHave() bool { return l.connected.Load() }

// StatusLine is a status as people know it: "401 Unauthorized".
func StatusLine(status int) string {
	name := http.StatusText(status)
	switch {
	case name != "":
	case status >= 520 && status <= 524:
		name = "Web Server Unreachable"
	default:
		name = "Unknown Status"
	}
	return fmt.Sprintf("%d %s", status, name)
}

// RedirectTo names the host that an answer redirects to, as " to https://host"; empty
// where it names none. More of the address may hold secrets of others.
func RedirectTo(header http.Header) string {
	to, err := url.Parse(header.Get("Location"))
	if err != nil || to.Host == "" {
		return ""
	}
	return " to " + to.Scheme + "://" + to.Host
}
