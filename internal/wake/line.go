package wake

import (
	"net"
	"time"

	"github.com/jackc/pgx/v5"
)

// channels is how many LISTENs make a connection complete.
const channels = 2

// line is one connection of the listener. It is guarded by the Listener's mutex.
type line struct {
	socket  net.Conn
	missing int    // LISTENs that are still to come
	since   uint64 // the last beat numbered before the LISTENs were complete

	pending uint64    // the oldest beat that is still to be heard; 0 is none
	asked   time.Time // when that was about to be sent
	overdue *time.Timer
	cutFor  error // why the line was cut, when it was
}

// newLine is a connection on which the LISTENs must succeed within limit.
func newLine(conn *pgx.Conn, limit time.Duration) *line {
	l := &line{socket: conn.PgConn().Conn(), missing: channels}
	_ = l.socket.SetDeadline(time.Now().Add(limit)) // a socket that refuses it fails at once by itself
	return l
}

// listens counts a LISTEN and reports whether it was the last one. beat is the
// number of the last beat until now.
func (l *line) listens(beat uint64) bool {
	l.missing--
	if l.missing > 0 {
		return false
	}
	l.since = beat
	if l.cutFor == nil {
		_ = l.socket.SetDeadline(time.Time{})
	}
	return true
}

// proves reports whether hearing beat n proves that this line hears. A beat from
// before it listened proves that the line is shared: a pooler passed on what was
// waiting for the server connection's last user.
func (l *line) proves(n uint64) bool {
	return l.missing == 0 && l.cutFor == nil && n > l.since
}

// expect records that beat n is about to be sent, and reports whether this line must
// hear it.
func (l *line) expect(n uint64) bool {
	if l.missing > 0 || l.cutFor != nil || l.pending != 0 {
		return false
	}
	l.pending, l.asked = n, time.Now()
	return true
}

// settled takes back the expectation of a beat and of those before it.
func (l *line) settled(n uint64) {
	if l.pending == 0 || l.pending > n {
		return
	}
	l.pending = 0
	if l.overdue != nil {
		l.overdue.Stop()
	}
}

// cut makes the pending read fail at once, which ends the connection. It talks to
// nobody, so a peer that has gone silent cannot hold it up.
func (l *line) cut(reason error) {
	l.cutFor = reason
	_ = l.socket.SetDeadline(time.Unix(1, 0))
}

// end frees what the connection holds, whatever state it is in.
func (l *line) end() {
	l.settled(l.pending)
	_ = l.socket.Close() // mostly for the second time
}
