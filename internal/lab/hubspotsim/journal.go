package hubspotsim

import (
	"maps"
	"slices"
	"time"
)

// Request is one request as it arrived.
type Request struct {
	Seq    int       `json:"seq"` // 1 for the first since New or Reset
	Time   time.Time `json:"time"`
	Method string    `json:"method"`
	Path   string    `json:"path"`
	Query  string    `json:"query,omitempty"`
	// Status is what was answered; 0: nothing yet, or nothing at all.
	Status int `json:"status"`
	// Inputs are those of a batch, or the one contact of a PATCH. They are
	// recorded once the body could be read, whatever the answer.
	Inputs []Input `json:"inputs,omitempty"`
	// Applied is whether anything was written.
	Applied bool `json:"applied"`
	// Fault is the name (else the mode or the status) of the fault played.
	Fault string `json:"fault,omitempty"`
	// Took is the time from arrival to answer.
	Took time.Duration `json:"took_ns"`
}

// Input is one contact of a request, as it was sent.
type Input struct {
	ID         string            `json:"id"`
	IDProperty string            `json:"id_property,omitempty"`
	TraceID    string            `json:"trace_id,omitempty"`
	Properties map[string]string `json:"properties,omitempty"`
}

// Write is one contact's write that took effect.
type Write struct {
	Seq     int       `json:"seq"`     // 1 for the first since New or Reset
	Request int       `json:"request"` // Seq of the request that brought it
	Time    time.Time `json:"time"`    // of the write, not of the request's arrival
	// Email is the address it was addressed to, trimmed and folded; the contact's
	// own for a PATCH by id.
	Email      string            `json:"email"`
	ContactID  string            `json:"contact_id"`
	Properties map[string]string `json:"properties"` // as sent
	Created    bool              `json:"created"`
}

func (r *Request) clone() Request {
	c := *r
	c.Inputs = slices.Clone(r.Inputs)
	for i := range c.Inputs {
		c.Inputs[i].Properties = maps.Clone(c.Inputs[i].Properties)
	}
	return c
}

// Stats counts since New or Reset, also what is no longer remembered.
type Stats struct {
	Requests int `json:"requests"` // arrived
	Finished int `json:"finished"` // answered, cut or given up by the client
	Writes   int `json:"writes"`
	Contacts int `json:"contacts"` // that exist, archived ones included
}

// journal remembers the newest requests and writes.
type journal struct {
	requests ring[*Request]
	writes   ring[Write]
	inputs   int // held by requests
	finished int
}

func newJournal(keep int) *journal {
	return &journal{requests: ring[*Request]{limit: keep}, writes: ring[Write]{limit: keep * keepFactor}}
}

func (j *journal) addRequest(r *Request) {
	if dropped, ok := j.requests.add(r); ok {
		j.inputs -= len(dropped.Inputs)
	}
	r.Seq = j.requests.total
}

// addInputs notes what a request carries and forgets the oldest requests while
// too many inputs are held.
func (j *journal) addInputs(r *Request, inputs []Input) {
	if r.Seq <= j.requests.total-j.requests.len() {
		return // forgotten while it was under way
	}
	r.Inputs = inputs
	j.inputs += len(inputs)
	for j.inputs > j.requests.limit*keepFactor && j.requests.len() > 1 {
		j.inputs -= len(j.requests.drop().Inputs)
	}
}

func (j *journal) addWrite(w Write) {
	w.Seq = j.writes.total + 1
	j.writes.add(w)
}

// Received is every request that arrived, in order of arrival: the newest
// Options.Keep of them.
func (s *Sim) Received() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.journal.requests.all()
	all := make([]Request, 0, len(kept))
	for _, r := range kept {
		all = append(all, r.clone())
	}
	return all
}

// Writes is every write that took effect, in order: the newest five times
// Options.Keep of them.
func (s *Sim) Writes() []Write {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.Clone(s.journal.writes.all())
	for i := range all {
		all[i].Properties = maps.Clone(all[i].Properties)
	}
	return all
}

// Stats counts what arrived and what is there.
func (s *Sim) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stats{
		Requests: s.journal.requests.total,
		Finished: s.journal.finished,
		Writes:   s.journal.writes.total,
		Contacts: len(s.book.order),
	}
}
