package wake

import (
	"sync"
	"testing"
)

func TestSignal(t *testing.T) {
	t.Parallel()
	s := NewSignal()
	taken := func() bool {
		select {
		case <-s.C():
			return true
		default:
			return false
		}
	}
	if taken() {
		t.Error("a new signal is set")
	}
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(s.Set)
	}
	wg.Wait()
	if !taken() {
		t.Error("100 Sets are lost")
	}
	if taken() {
		t.Error("they are more than one wake-up")
	}
	s.Set()
	if !taken() {
		t.Error("a Set after the first was taken is lost")
	}
}
