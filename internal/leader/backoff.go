package leader

import (
	"context"
	"math/rand/v2"
	"time"
)

// backoff spaces attempts: each pause is twice the last one, up to a limit, and
// is shortened at random by up to a half so that replicas do not come in step.
type backoff struct {
	min, max time.Duration
	next     time.Duration
}

func (b *backoff) reset() { b.next = 0 }

func (b *backoff) delay() time.Duration {
	b.next = min(max(b.next, b.min), b.max)
	delay := b.next/2 + rand.N(b.next/2+1)
	b.next *= 2
	return delay
}

// pause waits for the next delay or until stop ends.
func (b *backoff) pause(stop context.Context) {
	timer := time.NewTimer(b.delay())
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-stop.Done():
	}
}
