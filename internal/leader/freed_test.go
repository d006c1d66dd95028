package leader

import (
	"testing"

	"github.com/scrapersky/contactsync/internal/lab/needs"
	"github.com/scrapersky/contactsync/internal/lab/pgtest"
)

// The connection that holds the lock is closed when lead has returned, however it
// ended. One that is only given back, as to a pool, keeps the lock until the
// server ends the silent session.
func TestTheLocksConnectionIsClosed(t *testing.T) {
	t.Parallel()
	needs.Time(t)
	url := pgtest.Empty(t)
	a := run(t, url, "a")
	first := await(t, a)
	a.results <- errTest
	again := await(t, a)
	if !first.session.conn.IsClosed() {
		t.Error("the connection outlives a lead that failed")
	}
	a.stops(t)
	if !again.session.conn.IsClosed() {
		t.Error("the connection outlives an orderly stop")
	}
}
