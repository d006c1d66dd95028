// Package netproxy stands between a program and its database and plays the
// network: one that goes silent, one that breaks, and a pooler that shares
// connections. Tests cannot ask the real ones to misbehave on time.
package netproxy

import (
	"context"
	"net"
	"net/url"
	"strconv"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Proxy forwards TCP connections to a database. While it is frozen it swallows
// nothing and forwards nothing: both kernels go on acknowledging, as they do for
// a process that is stopped or behind a black hole.
type Proxy struct {
	url    string
	target string

	mu    sync.Mutex
	pass  chan struct{} // closed while traffic flows
	conns map[net.Conn]struct{}
	shut  bool

	listener net.Listener
	ctx      context.Context
	wg       sync.WaitGroup
}

// New starts a proxy in front of the database of that URL; it ends with the test.
func New(tb testing.TB, databaseURL string) *Proxy {
	tb.Helper()
	p := &Proxy{pass: make(chan struct{}), conns: map[net.Conn]struct{}{}, ctx: context.WithoutCancel(tb.Context())}
	close(p.pass)
	p.listener, p.target, p.url = front(tb, databaseURL)
	p.wg.Go(p.accept)
	tb.Cleanup(p.close)
	return p
}

// front listens on the loopback address for connections to a database, and tells
// where that is and which URL leads through the listener.
func front(tb testing.TB, databaseURL string) (listener net.Listener, target, through string) {
	tb.Helper()
	config, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		tb.Fatal(err)
	}
	parsed, err := url.Parse(databaseURL)
	if err != nil {
		tb.Fatal(err)
	}
	listener, err = new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	parsed.Host = listener.Addr().String()
	return listener, net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port))), parsed.String()
}

// URL is the database's, through the proxy.
func (p *Proxy) URL() string { return p.url }

// Freeze stops all traffic, also that of connections to come.
func (p *Proxy) Freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.pass:
		p.pass = make(chan struct{})
	default:
	}
}

// Thaw lets the traffic go on where it stopped.
func (p *Proxy) Thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.pass:
	default:
		close(p.pass)
	}
}

// Cut closes all connections.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		_ = conn.Close()
	}
}

func (p *Proxy) close() {
	p.mu.Lock()
	p.shut = true
	p.mu.Unlock()
	_ = p.listener.Close()
	p.Cut()
	p.Thaw()
	p.wg.Wait()
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := new(net.Dialer).DialContext(p.ctx, "tcp", p.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.wg.Go(func() { p.forward(client, server) })
		p.wg.Go(func() { p.forward(server, client) })
	}
}

// forward copies one direction, and closes both ends when either is at its end.
func (p *Proxy) forward(from, to net.Conn) {
	defer func() { _ = to.Close() }()
	p.keep(from)
	defer p.drop(from)
	buffer := make([]byte, 32*1024)
	for {
		n, err := from.Read(buffer)
		<-p.gate()
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (p *Proxy) gate() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pass
}

func (p *Proxy) keep(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns[conn] = struct{}{}
	if p.shut {
		_ = conn.Close()
	}
}

func (p *Proxy) drop(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
	_ = conn.Close()
}
