package netproxy

import (
	"context"
	"net"
	"slices"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// Mode is how long a pooler's client keeps its server connection.
type Mode string

// The modes.
const (
	Transaction Mode = "transaction"
	Session     Mode = "session"
)

// Pooler shares server connections. In transaction mode a client has one until
// its transaction ends, and the one that came back last is handed out first. As
// with real ones its clients get an invented process id, and startup parameters
// it does not know are refused.
type Pooler struct {
	url      string
	mode     Mode
	upstream string
	ctx      context.Context
	listener net.Listener
	wg       sync.WaitGroup

	mu      sync.Mutex
	idle    []*pgconn.HijackedConn
	clients map[net.Conn]struct{}
	number  uint32
	shut    bool
}

// NewPooler starts a pooler in front of the database of that URL; it ends with
// the test.
func NewPooler(tb testing.TB, databaseURL string, mode Mode) *Pooler {
	tb.Helper()
	p := &Pooler{mode: mode, upstream: databaseURL, ctx: context.WithoutCancel(tb.Context()), clients: map[net.Conn]struct{}{}}
	p.listener, _, p.url = front(tb, databaseURL)
	p.wg.Go(p.accept)
	tb.Cleanup(p.close)
	return p
}

// URL is the database's, through the pooler.
func (p *Pooler) URL() string { return p.url }

func (p *Pooler) close() {
	_ = p.listener.Close()
	p.mu.Lock()
	p.shut = true
	for client := range p.clients {
		_ = client.Close()
	}
	p.mu.Unlock()
	p.wg.Wait()
	for _, server := range p.idle {
		_ = server.Conn.Close()
	}
}

func (p *Pooler) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		p.clients[client] = struct{}{}
		p.number++
		number := p.number
		if p.shut {
			_ = client.Close()
		}
		p.mu.Unlock()
		p.wg.Go(func() {
			defer func() { _ = client.Close() }()
			if backend := greet(client, number); backend != nil {
				p.serve(backend)
			}
		})
	}
}

// greet answers the start of a connection. A request for encryption is refused,
// one to cancel ignored.
func greet(client net.Conn, number uint32) *pgproto3.Backend {
	backend := pgproto3.NewBackend(client, client)
	for {
		message, err := backend.ReceiveStartupMessage()
		if err != nil {
			return nil
		}
		switch message := message.(type) {
		case *pgproto3.SSLRequest, *pgproto3.GSSEncRequest:
			if _, err := client.Write([]byte{'N'}); err != nil {
				return nil
			}
			continue
		case *pgproto3.StartupMessage:
			for name := range message.Parameters {
				if !slices.Contains([]string{"user", "database", "application_name", "client_encoding"}, name) {
					backend.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: "08P01", Message: "unsupported startup parameter: " + name})
					_ = backend.Flush()
					return nil
				}
			}
		default:
			return nil
		}
		backend.Send(&pgproto3.AuthenticationOk{})
		for name, value := range map[string]string{"standard_conforming_strings": "on", "client_encoding": "UTF8"} {
			backend.Send(&pgproto3.ParameterStatus{Name: name, Value: value})
		}
		backend.Send(&pgproto3.BackendKeyData{ProcessID: 1_000_000_000 + number, SecretKey: []byte{1, 2, 3, 4}})
		backend.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		if backend.Flush() != nil {
			return nil
		}
		return backend
	}
}

// serve passes a client's messages to whatever server connection it has.
func (p *Pooler) serve(client *pgproto3.Backend) {
	var server *pgconn.HijackedConn
	defer func() {
		if server != nil { // within a transaction, so it cannot be given to another
			_ = server.Conn.Close()
		}
	}()
	for {
		message, err := client.Receive()
		if err != nil {
			return
		}
		if _, over := message.(*pgproto3.Terminate); over {
			return
		}
		if server == nil {
			if server, err = p.take(); err != nil {
				return
			}
		}
		server.Frontend.Send(message)
		switch message.(type) {
		case *pgproto3.Query, *pgproto3.Sync:
			status, err := answer(client, server.Frontend)
			if err != nil {
				return
			}
			if status == 'I' && p.mode == Transaction {
				p.give(server)
				server = nil
			}
		}
	}
}

// answer passes on all that a server says until it is ready.
func answer(client *pgproto3.Backend, server *pgproto3.Frontend) (status byte, err error) {
	if err := server.Flush(); err != nil {
		return 0, err
	}
	for {
		message, err := server.Receive()
		if err != nil {
			return 0, err
		}
		client.Send(message)
		if ready, ok := message.(*pgproto3.ReadyForQuery); ok {
			return ready.TxStatus, client.Flush()
		}
	}
}

func (p *Pooler) take() (*pgconn.HijackedConn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if last := len(p.idle) - 1; last >= 0 {
		server := p.idle[last]
		p.idle = p.idle[:last]
		return server, nil
	}
	conn, err := pgconn.Connect(p.ctx, p.upstream)
	if err != nil {
		return nil, err
	}
	return conn.Hijack()
}

func (p *Pooler) give(server *pgconn.HijackedConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, server)
}
