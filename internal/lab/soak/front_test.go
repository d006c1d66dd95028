package soak

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

// front stands before the simulator and does what a real service far away does
// and a handler in this process cannot: it goes on with a request although whoever
// sent it is dead, so that what was sent lands late.
type front struct {
	sim *hubspotsim.Sim

	mu      sync.Mutex
	late    []time.Duration // for the next upserts: when each takes effect
	arrived []func(*replica)
	done    []func(*replica)
	landing sync.WaitGroup
}

// lateMost is when a request takes effect at the latest, from its arrival.
// contactsync counts on twice the timeout from when it was sent; the rest is for a
// machine that is busy.
const lateMost = 5 * hubspotTimeout / 4

// landMost is after what time a request that has not taken effect never does.
const landMost = lateMost + hubspotTimeout/4

// beLate makes the next upserts take effect so long after they arrived, whoever
// still waits for them.
func (f *front) beLate(by ...time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.late = append(f.late, by...)
}

// onArrival has call called when the next upsert has arrived, before it takes
// effect, with the replica that sent it; onDone when it has taken effect and its
// answer has not left.
func (f *front) onArrival(call func(*replica)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.arrived = append(f.arrived, call)
}

func (f *front) onDone(call func(*replica)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done = append(f.done, call)
}

// clear forgets what was arranged and has not happened.
func (f *front) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.late, f.arrived, f.done = nil, nil, nil
}

// forReplica is where one replica finds HubSpot.
func (f *front) forReplica(r *replica) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if !strings.HasSuffix(req.URL.Path, "batch/upsert") {
			f.sim.ServeHTTP(w, req)
			return
		}
		arrived, late := take(&f.mu, &f.arrived), take(&f.mu, &f.late)
		if arrived == nil && late == nil {
			f.prompt(w, req, r)
			return
		}
		f.detached(w, req, late, func() {
			if arrived != nil {
				(*arrived)(r)
			}
		})
	})
}

// prompt carries a request out at once, and no later than HubSpot may: also one
// whose sender is frozen and so goes on waiting for ever.
func (f *front) prompt(w http.ResponseWriter, req *http.Request, r *replica) {
	ctx, cancel := context.WithTimeout(req.Context(), landMost)
	defer cancel()
	req = req.WithContext(ctx)
	if done := take(&f.mu, &f.done); done != nil {
		f.answerAfter(w, req, func() { (*done)(r) })
		return
	}
	f.sim.ServeHTTP(w, req)
}

// take removes and answers the first of a list; nil when it is empty.
func take[T any](mu *sync.Mutex, list *[]T) *T {
	mu.Lock()
	defer mu.Unlock()
	if len(*list) == 0 {
		return nil
	}
	first := (*list)[0]
	*list = (*list)[1:]
	return &first
}

// detached carries a request out after a while, even when its sender has gone.
func (f *front) detached(w http.ResponseWriter, req *http.Request, late *time.Duration, arrived func()) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(req.Context()), landMost)
	body, err := io.ReadAll(req.Body)
	if err != nil {
		cancel()
		panic(http.ErrAbortHandler) // the client broke off: nothing has arrived
	}
	copied := req.Clone(ctx)
	copied.Body = io.NopCloser(bytes.NewReader(body))
	answer := httptest.NewRecorder()
	landed := make(chan struct{})
	f.landing.Go(func() {
		defer close(landed)
		defer func() { _ = recover() }() // the simulator cuts a connection so
		arrived()
		defer cancel()
		if late != nil && !pause(ctx, *late) {
			return
		}
		f.sim.ServeHTTP(answer, copied)
	})
	select {
	case <-landed:
		copyAnswer(w, answer)
	case <-req.Context().Done():
	}
}

// answerAfter lets something happen between the effect of a request and its
// answer.
func (f *front) answerAfter(w http.ResponseWriter, req *http.Request, happen func()) {
	answer := httptest.NewRecorder()
	defer copyAnswer(w, answer)
	defer happen()
	f.sim.ServeHTTP(answer, req)
}

func copyAnswer(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes()) // a client that has gone is its own affair
}
