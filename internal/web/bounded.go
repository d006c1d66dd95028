package web

import (
	"container/list"
	"net"
	"sync"
)

// bounded is a listener with only so many open connections at a time, so that
// strangers cannot use up the files of the process, whose work is another. One
// more closes the oldest: a newcomer that had to wait could be the platform's
// health check, and whoever opens connections and sends nothing would get the
// process restarted.
type bounded struct {
	net.Listener
	most int

	mu   sync.Mutex
	open list.List // of *counted, oldest first
}

// Accept implements [net.Listener].
func (b *bounded) Accept() (net.Conn, error) {
	conn, err := b.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &counted{Conn: conn, of: b}
	if oldest := b.add(c); oldest != nil {
		_ = oldest.Close() // it is given up
	}
	return c, nil
}

// add notes a connection and returns the one that has to go for it, nil for none.
func (b *bounded) add(c *counted) (oldest *counted) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open.Len() >= b.most {
		oldest, _ = b.open.Front().Value.(*counted)
	}
	c.place = b.open.PushBack(c)
	return oldest
}

// counted is a connection that is forgotten when it is closed.
type counted struct {
	net.Conn
	of    *bounded
	place *list.Element
}

// Close implements [net.Conn].
func (c *counted) Close() error {
	c.of.mu.Lock()
	c.of.open.Remove(c.place) // nothing happens the second time
	c.of.mu.Unlock()
	return c.Conn.Close()
}
