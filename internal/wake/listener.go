package wake

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgxlisten"

	"github.com/scrapersky/contactsync/internal/destination"
)

// The channels listened to. The triggers notify the first one, for every destination;
// the second one is how a leader hears itself.
const (
	queuedChannel = destination.Channel
	beatChannel   = "contactsync_beat"
)

// timing holds the listener's durations, so that a test can shorten them.
type timing struct {
	listen time.Duration // for LISTEN, once connected
	heard  time.Duration // from a heartbeat to its being heard
	retry  time.Duration // between two connections; pgxlisten's own default is a minute
}

func defaultTiming() timing {
	return timing{
		listen: 5 * time.Second,
		heard:  3 * time.Second,
		// Up to a fifth more or less, so that replicas do not reconnect in step.
		retry: 800*time.Millisecond + rand.N(400*time.Millisecond),
	}
}

// Listener sets a Signal when a contact is queued. It listens on a connection of
// its own, and every time that one was made anew it sets the signal once, for
// what it may have missed.
//
// LISTEN never checks whether the other end is still there, and behind a pooler it
// succeeds and hears nothing. So the leader's heartbeat is a notification to its
// own listener, sent on the leader's connection; one that is not heard in time
// replaces the listener's connection. A Listener is safe for concurrent use.
type Listener struct {
	Observer Observer // may be nil; set before the first use

	connect func(ctx context.Context) (*pgx.Conn, error)
	signal  *Signal
	log     *slog.Logger
	timing  timing
	name    string // begins the beats of this listener, among those of others

	mu     sync.Mutex
	line   *line  // the present connection; nil while there is none
	beats  uint64 // how many were numbered
	proven bool

	state  state // as logged last
	warned bool  // the hint at poolers was logged
}

// Observer counts what a listener hears. Its methods must not block.
type Observer interface {
	Rang()                         // a notification that contacts are queued
	Heard(roundTrip time.Duration) // a heartbeat, so long after it was sent
	Missed()                       // a heartbeat that was not heard in time
}

type state int

const (
	unknown state = iota
	working       // notifications arrive
	deaf          // they do not
)

// NewListener makes a listener that opens its connections with connect. They must
// not go through a pooler in transaction mode.
func NewListener(connect func(ctx context.Context) (*pgx.Conn, error), signal *Signal, log *slog.Logger) *Listener {
	return &Listener{
		connect: connect, signal: signal, log: log, timing: defaultTiming(),
		name: fmt.Sprintf("%016x", rand.Uint64()),
	}
}

// Run listens until ctx ends, through any number of connections. It returns nil
// then. It may be called again, but not twice at a time.
func (l *Listener) Run(ctx context.Context) error {
	defer l.down(ctx, nil)
	listening := &pgxlisten.Listener{
		Connect:        l.open,
		ReconnectDelay: l.timing.retry,
		LogError:       l.down, // every error it meets costs the connection
	}
	listening.Handle(queuedChannel, handler{notified: l.queued, ready: l.listening})
	listening.Handle(beatChannel, handler{notified: l.heard, ready: l.listening})
	if err := listening.Listen(ctx); err != nil && ctx.Err() == nil {
		return fmt.Errorf("listen: %w", err)
	}
	return nil
}

// Proven reports whether notifications arrive: a heartbeat was heard on the present
// connection and none since then was missed. While it is false a consumer must
// poll the queue. The signal is set when it becomes false.
func (l *Listener) Proven() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.proven
}

func (l *Listener) open(ctx context.Context) (*pgx.Conn, error) {
	conn, err := l.connect(ctx)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.line = newLine(conn, l.timing.listen)
	return conn, nil
}

// listening records that one more LISTEN has succeeded on the present connection.
// From the last one on nothing is missed, but before it something may have been.
func (l *Listener) listening() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.line.listens(l.beats) {
		l.signal.Set()
	}
}

func (l *Listener) queued(context.Context, string) {
	l.signal.Set()
	if l.Observer != nil {
		l.Observer.Rang()
	}
}

// down records that there is no connection any more. The consumer is woken, because
// it has to poll from now on.
func (l *Listener) down(ctx context.Context, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.line != nil {
		if l.line.cutFor != nil {
			err = l.line.cutFor
		}
		l.line.end()
		l.line = nil
	}
	l.proven = false
	l.signal.Set()
	l.logState(ctx, deaf, err)
}

// logState logs the state when it has changed.
func (l *Listener) logState(ctx context.Context, now state, err error) {
	switch {
	case ctx.Err() != nil:
		now = unknown // leading is over; the next term logs anew
	case now == l.state:
	case now == working && l.state == unknown:
		l.log.InfoContext(ctx, "notifications arrive")
	case now == working:
		l.log.InfoContext(ctx, "notifications arrive again")
	case now == deaf:
		l.log.WarnContext(ctx, "no notifications, looking at the queue every second instead", "error", err)
	}
	l.state = now
	if errors.Is(err, errDeaf) && !l.warned {
		l.warned = true
		l.log.WarnContext(ctx, "a connection never heard its own notification: if DATABASE_URL goes through a pooler, "+
			"set DATABASE_DIRECT_URL to the database itself")
	}
}

// handler is a channel's.
type handler struct {
	notified func(ctx context.Context, payload string)
	ready    func()
}

func (h handler) HandleNotification(ctx context.Context, n *pgconn.Notification, _ *pgx.Conn) error {
	h.notified(ctx, n.Payload)
	return nil
}

// HandleBacklog is called when LISTEN has succeeded.
func (h handler) HandleBacklog(context.Context, string, *pgx.Conn) error {
	h.ready()
	return nil
}
