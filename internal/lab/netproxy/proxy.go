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
	links map[*link]struct{}
	shut  bool

	listener net.Listener
	ctx      context.Context
	wg       sync.WaitGroup
}

// New starts a proxy in front of the database of that URL; it ends with the test.
func New(tb testing.TB, databaseURL string) *Proxy {
	tb.Helper()
	p := &Proxy{pass: flowing(), links: map[*link]struct{}{}, ctx: context.WithoutCancel(tb.Context())}
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
	p.pass = stopped(p.pass)
}

// Thaw lets the traffic go on where it stopped.
func (p *Proxy) Thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.thaw()
}

func (p *Proxy) thaw() {
	release(p.pass)
	for l := range p.links {
		release(l.pass)
	}
}

// Cut closes all connections.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.close()
	}
}

func (p *Proxy) close() {
	_ = p.listener.Close()
	p.mu.Lock()
	p.shut = true
	for l := range p.links {
		l.close()
	}
	p.thaw()
	p.mu.Unlock()
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
		l := &link{client: client, server: server, pass: flowing()}
		p.keep(l)
		p.wg.Go(func() {
			defer p.drop(l)
			var directions sync.WaitGroup
			directions.Go(func() { p.forward(l, client, server) })
			directions.Go(func() { p.forward(l, server, client) })
			directions.Wait()
		})
	}
}

// forward copies one direction, and closes both ends when either is at its end.
func (p *Proxy) forward(l *link, from, to net.Conn) {
	defer func() { _ = to.Close() }()
	buffer := make([]byte, 32*1024)
	for {
		n, err := from.Read(buffer)
		p.wait(l)
		if n > 0 {
			if from == l.server {
				p.learn(l, buffer[:n])
			}
			rest := buffer[:n]
			if from == l.client {
				through := p.cut(l, rest)
				if _, err := to.Write(rest[:through]); err != nil {
					return
				}
				if rest = rest[through:]; len(rest) > 0 {
					p.wait(l)
				}
			}
			if _, err := to.Write(rest); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// wait waits while everything or this connection is frozen.
func (p *Proxy) wait(l *link) {
	for {
		p.mu.Lock()
		all, one := p.pass, l.pass
		p.mu.Unlock()
		<-all
		<-one
		p.mu.Lock()
		still := p.pass == all && l.pass == one
		p.mu.Unlock()
		if still {
			return
		}
	}
}

func (p *Proxy) keep(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.links[l] = struct{}{}
	if p.shut {
		l.close()
	}
}

func (p *Proxy) drop(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
	l.close()
}
