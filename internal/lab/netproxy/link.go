package netproxy

import (
	"encoding/binary"
	"net"
	"testing"
)

// link is one connection through the proxy. It is guarded by the Proxy's mutex.
type link struct {
	client, server net.Conn

	pass   chan struct{} // closed while its traffic flows
	within bool          // it is to stop after the first statement of the client's next pipeline

	greeting []byte // what the server said first, until pid is known
	pid      uint32 // the server's process
}

// maxGreeting bounds how much of the server's first words is searched for its
// process id: an encrypted connection never tells it.
const maxGreeting = 4096

// FreezePID stops the traffic of the connection that this process of the server
// serves; all others flow on.
func (p *Proxy) FreezePID(tb testing.TB, pid uint32) {
	tb.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		if l.pid == pid {
			l.pass = stopped(l.pass)
			return
		}
	}
	tb.Fatalf("no connection through the proxy is that of server process %d", pid)
}

// FreezeWithin stops the traffic of the connection that this process of the server
// serves, the next time the client sends several statements together: the first one
// arrives, the rest does not.
func (p *Proxy) FreezeWithin(tb testing.TB, pid uint32) {
	tb.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		if l.pid == pid {
			l.within = true
			return
		}
	}
	tb.Fatalf("no connection through the proxy is that of server process %d", pid)
}

// cut is how much of what the client sends goes through: all of it, but for a
// connection that is to stop within a pipeline. A client writes whole messages.
func (p *Proxy) cut(l *link, data []byte) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	const execute = 'E'
	executes, first := 0, 0
	for at := 0; l.within && at+5 <= len(data); at += 1 + int(binary.BigEndian.Uint32(data[at+1:])) {
		if data[at] != execute {
			continue
		}
		if executes++; executes == 1 {
			first = at + 1 + int(binary.BigEndian.Uint32(data[at+1:]))
		}
	}
	if executes < 2 {
		return len(data)
	}
	l.within, l.pass = false, stopped(l.pass)
	return first
}

// learn looks for the server's process id in what it says first: a message of
// type K and length 12, among messages of other types.
func (p *Proxy) learn(l *link, data []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l.pid != 0 || len(l.greeting) > maxGreeting {
		return
	}
	l.greeting = append(l.greeting, data...)
	rest := l.greeting
	if len(rest) == 1 && rest[0] == 'N' { // the answer to a request for encryption
		l.greeting = nil
		return
	}
	for len(rest) >= 5 {
		length := int(binary.BigEndian.Uint32(rest[1:])) + 1
		if rest[0] == 'K' && len(rest) >= 9 {
			l.pid, l.greeting = binary.BigEndian.Uint32(rest[5:]), nil
			return
		}
		if length <= 0 || length > len(rest) {
			return
		}
		rest = rest[length:]
	}
}

func (l *link) close() {
	_ = l.client.Close()
	_ = l.server.Close()
}

// flowing is a gate that is open.
func flowing() chan struct{} {
	gate := make(chan struct{})
	close(gate)
	return gate
}

// stopped is the gate shut: another one when it was open.
func stopped(gate chan struct{}) chan struct{} {
	select {
	case <-gate:
		return make(chan struct{})
	default:
		return gate
	}
}

// release opens a gate.
func release(gate chan struct{}) {
	select {
	case <-gate:
	default:
		close(gate)
	}
}
