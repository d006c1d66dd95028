package drain

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scrapersky/contactsync/internal/contact"
)

// heldQueue is held until it is told otherwise.
type heldQueue struct {
	fakeQueue
	free bool
	arms int
}

func (q *heldQueue) Claim(ctx context.Context, share contact.Share) (contact.Batch, error) {
	q.mu.Lock()
	free := q.free
	q.mu.Unlock()
	if !free {
		return contact.Batch{}, nil
	}
	return q.fakeQueue.Claim(ctx, share)
}

func (q *heldQueue) ArmDoorbell(ctx context.Context) (contact.QueueState, error) {
	q.mu.Lock()
	free := q.free
	q.arms++
	q.mu.Unlock()
	if !free {
		return contact.QueueState{Paused: &contact.Pause{Who: "ada", Reason: "clean-up"}, Next: 24 * time.Hour}, nil
	}
	return q.fakeQueue.ArmDoorbell(ctx)
}

// A held loop sleeps until it is woken although the doorbell is not armed, and
// goes on as soon as it is.
func TestHeldLoopSleeps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, d := &heldQueue{}, &fakeDestination{}
		q.add(3)
		wake := make(chan struct{}, 1)
		loop := &Loop{
			Queue: q, Destination: d, Listener: listener(true), Wake: wake, Log: slog.New(slog.DiscardHandler),
			BatchSize: 10, Slots: 1, Interval: time.Hour, CutAfter: time.Second,
		}
		stopping, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- loop.Run(t.Context(), stopping) }()
		time.Sleep(50 * time.Minute)
		synctest.Wait()
		if q.arms > 2 || len(d.sent) != 0 {
			t.Errorf("looked %d times and sent %d batches in 50 minutes of a hold", q.arms, len(d.sent))
		}
		q.mu.Lock()
		q.free = true
		q.mu.Unlock()
		began := time.Now()
		wake <- struct{}{}
		synctest.Wait()
		if len(d.sent) != 1 || time.Since(began) > 0 {
			t.Errorf("%d batches sent at the end of the hold, want 1 at once", len(d.sent))
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestOnceSaysThatItIsHeld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		loop := &Loop{
			Queue: &heldQueue{}, Destination: &fakeDestination{}, Log: slog.New(slog.DiscardHandler),
			BatchSize: 10, Slots: 1, Interval: time.Hour, Once: true,
		}
		err := loop.Run(t.Context(), t.Context())
		held, ok := errors.AsType[*PausedError](err)
		if !ok || held.Pause.Who != "ada" {
			t.Errorf("got %v, want a PausedError", err)
		}
	})
}
