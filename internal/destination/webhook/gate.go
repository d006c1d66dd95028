package webhook

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// inFlight is how many requests are under way at a time, whatever number of batches
// they belong to.
const inFlight = 8

// gate lets requests through: so many at a time, so many a second on average, and
// none while the receiver has asked to wait.
type gate struct {
	places  chan struct{}
	limiter *rate.Limiter

	mu   sync.Mutex
	held time.Time // nothing passes before
}

func newGate(per10s int) *gate {
	return &gate{
		places: make(chan struct{}, inFlight),
		// A few single contacts need not wait at all.
		limiter: rate.NewLimiter(rate.Limit(float64(per10s)/10), 1+per10s/50),
	}
}

// enter waits until a request may leave, or ctx ends. After it, leave must be called.
func (g *gate) enter(ctx context.Context) error {
	select {
	case g.places <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := g.pass(ctx); err != nil {
		g.leave()
		return err
	}
	return nil
}

func (g *gate) leave() { <-g.places }

func (g *gate) pass(ctx context.Context) error {
	for {
		wait := time.Until(g.heldUntil())
		if wait <= 0 {
			break
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
	}
	if err := g.limiter.Wait(ctx); err != nil {
		return fmt.Errorf("wait for the rate limit: %w", err)
	}
	return nil
}

// hold lets nothing through for a while.
func (g *gate) hold(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if until := time.Now().Add(d); until.After(g.held) {
		g.held = until
	}
}

func (g *gate) heldUntil() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.held
}
