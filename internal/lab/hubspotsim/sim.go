package hubspotsim

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Sim is the portal. It is an http.Handler; all its methods may be called from
// several goroutines.
type Sim struct {
	options Options
	zone    *time.Location
	control http.Handler

	mu        sync.Mutex // guards everything below
	token     string
	behaviour Behaviour
	random    *rand.Rand
	book      *book
	schema    *schema
	limits    *limiter
	faults    []*armedFault
	journal   *journal
	watchers  watchers
}

// New builds a portal without contacts. It panics if o.TimeZone or o.Behaviour
// is not valid, which is a mistake in the calling program.
func New(o Options) *Sim {
	o = o.withDefaults()
	zone, err := time.LoadLocation(o.TimeZone)
	if err != nil {
		panic(fmt.Sprintf("hubspotsim: time zone: %v", err))
	}
	if err := o.Behaviour.validate(); err != nil {
		panic(fmt.Sprintf("hubspotsim: %v", err))
	}
	s := &Sim{options: o, zone: zone}
	s.control = s.controlRoutes()
	s.Reset()
	return s
}

// Reset makes the portal what New made it: no contacts, no record of requests,
// no faults, full limits. Requests that hang are let go. Functions given to
// OnRequest and OnArrival stay.
func (s *Sim) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = s.options.Token
	s.behaviour = s.options.Behaviour
	s.random = rand.New(rand.NewPCG(s.options.Seed, 0))
	s.book = newBook()
	s.schema = newSchema(s.options)
	s.limits = newLimiter(s.options.RatePer10s, s.options.DailyLimit, s.zone)
	s.clearFaults()
	s.journal = newJournal(s.options.Keep)
	s.watchers.wake()
}

// SetToken replaces the token that is let in, as a rotated key does.
func (s *Sim) SetToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}

// SetBehaviour moves the switches. It returns an error and changes nothing if
// one has a position that does not exist.
func (s *Sim) SetBehaviour(b Behaviour) error {
	if err := b.validate(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behaviour = b
	return nil
}

// ServeHTTP answers a request to the API, or to the control API under /_sim/.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/_sim/") {
		s.control.ServeHTTP(w, r)
		return
	}
	c := s.arrive(r)
	answer, delivery := s.play(r.Context(), c)
	s.finish(c, answer)
	delivery.send(w, answer)
}

// arrive records the request before anything is done about it.
func (s *Sim) arrive(r *http.Request) *call {
	var body []byte
	if s.looksInside() {
		body, _ = io.ReadAll(io.LimitReader(r.Body, maxRequestBody+1)) // what is cut short is short
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	c := newCall(r)
	s.mu.Lock()
	c.fault = s.matchFault(r, body)
	c.entry = &Request{
		Time: s.options.Now(), Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery,
		Fault: c.fault.name(),
	}
	c.journal = s.journal
	c.journal.addRequest(c.entry)
	tell := s.watchers.about(c.entry, s.watchers.arrival)
	s.watchers.wake()
	s.mu.Unlock()
	tell()
	return c
}

// finish completes the record and tells those who wait for it, before the
// first byte of the answer leaves.
func (s *Sim) finish(c *call, answer reply) {
	s.mu.Lock()
	c.entry.Status = answer.status // 0 where the connection is cut
	c.entry.Took = s.options.Now().Sub(c.entry.Time)
	c.journal.finished++
	tell := s.watchers.about(c.entry, s.watchers.done)
	s.watchers.wake()
	s.mu.Unlock()
	tell()
}

// process is what a request meets once its body is read: the gate, then the
// endpoint, or the answer that a fault puts in the endpoint's place.
func (s *Sim) process(c *call) reply {
	header, refusal := s.gate(c)
	if refusal != nil {
		return refusal.withHeader(header)
	}
	if c.fault.replaces() {
		if c.fault.AfterWrite {
			c.endpoint.handle(s, c)
		}
		return c.fault.replacement().withHeader(header)
	}
	return c.endpoint.handle(s, c).withHeader(header)
}
