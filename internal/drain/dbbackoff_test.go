package drain

import (
	"testing"
	"time"
)

// The waits double from 50 ms to 3 s; the trouble is over when something was done
// after the last failure, and then forgotten.
func TestDBBackoff(t *testing.T) {
	t.Parallel()
	var b dbBackoff
	now := at(0)
	b.Worked(now)
	if b.Failing() || b.WorksAgain() {
		t.Error("trouble before any")
	}
	for i, want := range []time.Duration{50, 100, 200, 400, 800, 1600, 3000, 3000} {
		if began := b.Failed(now); began != (i == 0) {
			t.Errorf("failure %d begins the trouble: %t", i, began)
		}
		if got := b.until.Sub(now); got != want*time.Millisecond {
			t.Errorf("wait %d is %v, want %v", i, got, want*time.Millisecond)
		}
		if b.WorksAgain() {
			t.Error("it works again, although it has just failed")
		}
		now = b.until
	}
	total := now.Sub(at(0)) // 50+100+…+3000+3000
	if !b.For(now, total) || b.For(now, total+1) {
		t.Errorf("%+v has not lasted for %v", b, total)
	}
	b.Worked(now)
	if !b.WorksAgain() {
		t.Error("it does not work again")
	}
	if lasted := b.Recovered(now); lasted != total || b != (dbBackoff{}) {
		t.Errorf("lasted %v, want %v; left %+v", lasted, total, b)
	}
}
