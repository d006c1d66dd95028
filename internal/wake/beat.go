package wake

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Why a connection was given up although it reported no error.
var (
	errMissed = errors.New("the connection stopped hearing its own notifications")
	errDeaf   = errors.New("the connection does not hear its own notifications")
)

// beatSQL sends the notification. $1 is the channel, $2 the payload.
const beatSQL = `SELECT pg_notify($1, $2)`

// Beat sends a notification to this listener on the leader's connection, and does
// not wait for it. If it is not heard within 3 s, Run replaces the connection. It
// is the leader's heartbeat, so it must be called every few seconds while Run
// runs. An error is one of conn's.
func (l *Listener) Beat(ctx context.Context, conn *pgx.Conn) error {
	line, n := l.expect()
	_, err := conn.Exec(ctx, beatSQL, beatChannel, fmt.Sprintf("%s:%d", l.name, n))
	if line != nil {
		l.sent(line, n, err)
	}
	if err != nil {
		return fmt.Errorf("heartbeat: %w", err)
	}
	return nil
}

// expect numbers a beat. It returns the line that must hear it, if any: one that
// listened before the beat was sent.
func (l *Listener) expect() (*line, uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.beats++
	if l.line == nil || !l.line.expect(l.beats) {
		return nil, l.beats
	}
	return l.line, l.beats
}

// sent starts the time in which a beat must be heard. The beat may have been heard
// already.
func (l *Listener) sent(line *line, n uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case line != l.line || line.pending != n:
	case err != nil:
		line.settled(n)
	default:
		line.overdue = time.AfterFunc(l.timing.heard, func() { l.missed(line, n) })
	}
}

func (l *Listener) missed(line *line, n uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if line != l.line || line.pending != n {
		return
	}
	reason := errDeaf
	if l.proven {
		reason = errMissed
	}
	line.cut(reason)
	l.proven = false
	l.signal.Set()
	if l.Observer != nil {
		l.Observer.Missed()
	}
}

// heard handles a beat that arrived. Beats of other leaders are ignored.
func (l *Listener) heard(ctx context.Context, payload string) {
	name, number, _ := strings.Cut(payload, ":")
	n, err := strconv.ParseUint(number, 10, 64)
	if name != l.name || err != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.line == nil || !l.line.proves(n) {
		return
	}
	if l.Observer != nil && n == l.line.pending {
		l.Observer.Heard(time.Since(l.line.asked))
	}
	l.line.settled(n)
	if !l.proven {
		l.proven = true
		l.logState(ctx, working, nil)
	}
}
