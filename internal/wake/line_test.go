package wake

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestLine(t *testing.T) {
	t.Parallel()
	l := &line{missing: channels}
	if l.expect(1) {
		t.Error("a beat sent before LISTEN must not be waited for")
	}
	l.missing, l.since = 0, 1
	if l.proves(1) || !l.proves(2) {
		t.Error("only a beat from after the LISTENs proves that they work")
	}
	if !l.expect(2) || l.expect(3) {
		t.Error("the oldest beat is waited for, and it alone")
	}
	l.settled(1)
	if l.pending != 2 {
		t.Error("an older beat settled a newer one")
	}
	l.settled(3)
	if l.pending != 0 {
		t.Error("a newer beat did not settle an older one")
	}
	l.cutFor = errDeaf
	if l.expect(4) {
		t.Error("a beat is waited for on a line that was cut")
	}
	if l.proves(4) {
		t.Error("a line that was cut is proven")
	}
}

// The time to hear a beat begins when it was sent, and ends with its line.
func TestBeatOfAnotherLineIsForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewListener(nil, NewSignal(), nil)
		l.line = &line{}
		old, n := l.expect()
		l.sent(old, n, nil)
		l.mu.Lock()
		l.line = &line{} // the connection broke and is back
		l.mu.Unlock()
		<-time.After(time.Minute)
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.line.cutFor != nil || old.cutFor != nil {
			t.Error("a beat that was sent to one connection cut another")
		}
	})
}
