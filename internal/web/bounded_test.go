package web

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

// handed is a listener that hands out what it is given.
type handed struct {
	net.Listener
	conns chan net.Conn
}

func (h handed) Accept() (net.Conn, error) {
	conn, ok := <-h.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

// One connection more than the bound closes the oldest, whatever it does; one
// that was closed makes room.
func TestBounded(t *testing.T) {
	t.Parallel()
	source := handed{conns: make(chan net.Conn, 1)}
	b := &bounded{Listener: source, most: 3}
	var here, there []net.Conn
	accept := func() {
		t.Helper()
		near, far := net.Pipe()
		t.Cleanup(func() { _ = near.Close() })
		source.conns <- near
		conn, err := b.Accept()
		if err != nil {
			t.Fatal(err)
		}
		here, there = append(here, conn), append(there, far)
	}
	closed := func(want ...bool) {
		t.Helper()
		for i, want := range want {
			err := there[i].SetReadDeadline(time.Now())
			if err == nil {
				_, err = there[i].Read(make([]byte, 1))
			}
			if got := !errors.Is(err, os.ErrDeadlineExceeded); got != want {
				t.Errorf("connection %d closed: %v, want %v (%v)", i, got, want, err)
			}
		}
	}
	accept()
	accept()
	accept()
	closed(false, false, false)
	accept()
	closed(true, false, false, false)
	if err := here[2].Close(); err != nil {
		t.Error(err)
	}
	_ = here[2].Close() // the second time makes no more room
	accept()
	closed(true, false, true, false, false)
	accept()
	closed(true, true, true, false, false, false)
	close(source.conns)
	if _, err := b.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("at the end: %v", err)
	}
}
