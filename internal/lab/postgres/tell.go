package postgres

import (
	"fmt"
	"sync"
	"time"
)

// tell says a sentence to people, if anybody listens.
func (o Options) tell(format string, args ...any) {
	if o.Tell != nil {
		o.Tell(fmt.Sprintf(format, args...))
	}
}

// waiting says every five seconds what is waited for, until stop is called.
func (o Options) waiting(what string) (stop func()) {
	if o.Tell == nil {
		return func() {}
	}
	began, over := time.Now(), make(chan struct{})
	var teller sync.WaitGroup
	teller.Go(func() {
		tick := time.NewTicker(5 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				o.tell("Waiting for %s: %s so far.", what, time.Since(began).Round(time.Second))
			case <-over:
				return
			}
		}
	})
	return func() {
		close(over)
		teller.Wait()
	}
}
