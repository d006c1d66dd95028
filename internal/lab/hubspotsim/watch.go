package hubspotsim

import (
	"context"
	"fmt"
	"slices"
)

// watchers are those who wait for something to happen.
type watchers struct {
	arrival, done []*watcher
	changed       chan struct{} // closed at the next change; nil: nobody waits
}

type watcher struct{ call func(Request) }

// about makes the calls to list about r as it is now, to be made once the lock
// is free.
func (*watchers) about(r *Request, list []*watcher) (tell func()) {
	if len(list) == 0 {
		return func() {} // a copy of r is not free
	}
	seen, list := r.clone(), slices.Clone(list)
	return func() {
		for _, watch := range list {
			watch.call(seen)
		}
	}
}

func (w *watchers) wake() {
	if w.changed != nil {
		close(w.changed)
		w.changed = nil
	}
}

func (w *watchers) next() <-chan struct{} {
	if w.changed == nil {
		w.changed = make(chan struct{})
	}
	return w.changed
}

// OnRequest has f called for every request once its answer is settled and its
// writes are done, just before the answer leaves; also for requests that get
// none (Status 0). f is called from the requests' goroutines, several at once,
// and may call the Sim. The function returned ends it.
func (s *Sim) OnRequest(f func(Request)) (stop func()) { return s.watch(&s.watchers.done, f) }

// OnArrival has f called for every request as it arrives, before its body is
// read and before any fault or delay. Otherwise it is like OnRequest.
func (s *Sim) OnArrival(f func(Request)) (stop func()) { return s.watch(&s.watchers.arrival, f) }

func (s *Sim) watch(list *[]*watcher, f func(Request)) (stop func()) {
	w := &watcher{call: f}
	s.mu.Lock()
	defer s.mu.Unlock()
	*list = append(*list, w)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		*list = slices.DeleteFunc(*list, func(other *watcher) bool { return other == w })
	}
}

// WaitRequests waits until n requests are finished (see OnRequest) and returns
// Received, or the error of ctx.
func (s *Sim) WaitRequests(ctx context.Context, n int) ([]Request, error) {
	if err := s.wait(ctx, func() bool { return s.journal.finished >= n }); err != nil {
		return s.Received(), fmt.Errorf("wait for %d requests, %d are finished: %w", n, s.Stats().Finished, err)
	}
	return s.Received(), nil
}

// WaitArrivals waits until n requests have arrived and returns Received, or the
// error of ctx. Unlike WaitRequests it counts requests that hang.
func (s *Sim) WaitArrivals(ctx context.Context, n int) ([]Request, error) {
	if err := s.wait(ctx, func() bool { return s.journal.requests.total >= n }); err != nil {
		return s.Received(), fmt.Errorf("wait for %d requests, %d arrived: %w", n, s.Stats().Requests, err)
	}
	return s.Received(), nil
}

// WaitWrites waits until n writes took effect and returns Writes, or the error
// of ctx.
func (s *Sim) WaitWrites(ctx context.Context, n int) ([]Write, error) {
	if err := s.wait(ctx, func() bool { return s.journal.writes.total >= n }); err != nil {
		return s.Writes(), fmt.Errorf("wait for %d writes, %d are done: %w", n, s.Stats().Writes, err)
	}
	return s.Writes(), nil
}

// wait returns once reached, which is asked under the lock, says so.
func (s *Sim) wait(ctx context.Context, reached func() bool) error {
	for {
		s.mu.Lock()
		if reached() {
			s.mu.Unlock()
			return nil
		}
		changed := s.watchers.next()
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
