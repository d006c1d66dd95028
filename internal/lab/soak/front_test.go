package soak

import (
	"bytes"
	"context"
	"encoding/json"
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

	overtaken map[string]bool // the emails and versions of what landed later than contactsync waits before it sends something newer
	waiting   map[string]int  // requests by email, whose senders wait for the answer
	doubled   []string        // the emails of which there were two
}

// lateMost is when a request takes effect at the latest, from its arrival: later than
// the quarantine lasts, which is twice the timeout, and sooner than the doubt.
const lateMost = 3 * hubspotTimeout

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
		body, err := io.ReadAll(req.Body)
		if err != nil {
			panic(http.ErrAbortHandler) // the client broke off: nothing has arrived
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
		sent := contactsIn(body)
		f.note(sent, +1)
		defer f.note(sent, -1)
		arrived, late := take(&f.mu, &f.arrived), take(&f.mu, &f.late)
		if late != nil && *late > hubspotTimeout {
			f.mayBeOvertaken(sent)
		}
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

// sentContact is as much of a contact in a request as the books need.
type sentContact struct {
	Email      string            `json:"id"`
	Properties map[string]string `json:"properties"`
}

func contactsIn(body []byte) []sentContact {
	var request struct {
		Inputs []sentContact `json:"inputs"`
	}
	_ = json.Unmarshal(body, &request) // the simulator refuses what cannot be read
	return request.Inputs
}

// note notes that a request arrived, or that its sender waits no longer.
func (f *front) note(sent []sentContact, by int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.waiting == nil {
		f.waiting = map[string]int{}
	}
	for _, c := range sent {
		if f.waiting[c.Email] += by; by > 0 && f.waiting[c.Email] > 1 {
			f.doubled = append(f.doubled, c.Email)
		}
	}
}

// mayBeOvertaken notes that something newer may be sent before these take effect.
func (f *front) mayBeOvertaken(sent []sentContact) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.overtaken == nil {
		f.overtaken = map[string]bool{}
	}
	for _, c := range sent {
		f.overtaken[c.Email+" "+c.Properties["phone"]] = true
	}
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
