package app

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"
)

// How the time of an orderly stop is divided: what is in flight is cut early
// enough to be settled, and everything else before the platform loses patience.
const (
	cutBefore  = 3 * time.Second
	hardBefore = time.Second
)

// shutdown returns the two ends of the process. The first request to stop ends
// stop: nothing new is begun, and what is in flight is finished. The second one
// closes a.hurry, which cuts what is in flight at once. The third one ends hard,
// and so does the end of SHUTDOWN_TIMEOUT: nothing goes on. Both end with ctx.
// The caller must call end, which ends both and waits for the goroutine.
func (a *App) shutdown(ctx context.Context, asked <-chan os.Signal) (stop, hard context.Context, end func()) {
	stop, stopNow := context.WithCancel(ctx)
	hard, giveUp := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		defer stopNow()
		select {
		case <-asked:
		case <-hard.Done():
			return
		}
		a.log.InfoContext(ctx, "stopping: what is in flight is finished first", "at_most", a.cfg.ShutdownTimeout)
		stopNow()
		timer := time.NewTimer(a.cfg.ShutdownTimeout - hardBefore)
		defer timer.Stop()
		for hurry := a.hurry; hard.Err() == nil; {
			select {
			case <-timer.C:
				giveUp(errors.New("the time for an orderly stop is over"))
			case <-asked:
				if hurry == nil {
					giveUp(errors.New("asked to stop a third time"))
					return
				}
				close(hurry)
				hurry = nil
			case <-hard.Done():
			}
		}
	})
	return stop, hard, func() {
		giveUp(nil)
		watching.Wait()
	}
}
