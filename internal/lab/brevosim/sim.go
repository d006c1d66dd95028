package brevosim

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options are what an account is made with.
type Options struct {
	Key  string // the only one that is let in
	Rate int    // requests a second for /contacts…; 0: unlimited, and no header tells of it

	// Attributes are those of the account, by name, with their types; nil: Standard().
	Attributes map[string]string
	Lists      []int64 // the lists that there are

	RefuseUnknown bool // an attribute that does not exist is refused instead of dropped
	TellID        bool // getId has an update answered with 200 and the id

	Latency time.Duration // of every answer
	Keep    int           // requests that are remembered; 0: all
}

// Standard returns the attributes of an English account that has what contactsync
// writes to.
func Standard() map[string]string {
	return map[string]string{
		"FIRSTNAME": "text", "LASTNAME": "text", "PHONE": "text", "DOMAIN_ID": "text", "PAGE_ID": "text",
	}
}

// Request is one that came in.
type Request struct {
	Seq    int       `json:"seq"`
	Time   time.Time `json:"time"`
	Method string    `json:"method"`
	Path   string    `json:"path"`
	Query  string    `json:"query,omitempty"`
	Body   string    `json:"body,omitempty"`
	Status int       `json:"status"` // 0: none, the connection was cut
	Answer string    `json:"answer,omitempty"`
}

// Write is a contact that was created or updated.
type Write struct {
	Email      string         `json:"email"`
	ID         int64          `json:"id"`
	Created    bool           `json:"created"`
	Attributes map[string]any `json:"attributes"` // as sent
	Lists      []int64        `json:"listIds,omitempty"`
}

// Sim is the account. It is an http.Handler; all its methods may be called from several
// goroutines.
type Sim struct {
	options Options
	routes  *http.ServeMux

	mu         sync.Mutex // guards what follows
	key        string
	attributes map[string]string
	lists      []int64
	contacts   map[string]*Contact // by email
	lastID     int64
	faults     []*armed
	received   []*Request
	seq        int
	writes     []Write
	inFlight   map[string]int // upserts under way, by email
	most       int            // requests under way at the same time
	now        int
	doubled    []string // emails that were under way twice at the same time
	second     time.Time
	used       int
	changed    chan struct{} // closed at every write
}

// New makes an account without contacts.
func New(o Options) *Sim {
	if o.Attributes == nil {
		o.Attributes = Standard()
	}
	s := &Sim{
		options: o, key: o.Key, attributes: maps.Clone(o.Attributes), lists: slices.Clone(o.Lists),
		contacts: map[string]*Contact{}, inFlight: map[string]int{}, changed: make(chan struct{}),
	}
	s.routes = s.api()
	return s
}

// ServeHTTP answers a request to the API, or to the control API below /_sim/.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/_sim/") {
		s.routes.ServeHTTP(w, r)
		return
	}
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	entry, fault, leave := s.arrive(r, body)
	defer leave()
	if s.options.Latency > 0 {
		wait(r, s.options.Latency, nil)
	}
	if fault != nil && fault.Mode == Hang {
		wait(r, 24*time.Hour, fault.cleared)
		panic(http.ErrAbortHandler)
	}
	if fault != nil && fault.Latency > 0 {
		wait(r, fault.Latency, fault.cleared)
	}
	var a answer
	if refused, header := s.gate(r); refused != nil {
		a = refused.with(header)
	} else if fault.replaces() {
		if fault.AfterWrite {
			s.handle(r, body)
		}
		if fault.Mode == Cut {
			panic(http.ErrAbortHandler)
		}
		a = fault.answer().with(header)
	} else {
		a = s.handle(r, body).with(header)
	}
	s.mu.Lock()
	entry.Status, entry.Answer = a.status, string(a.body)
	s.mu.Unlock()
	a.send(w)
}

// arrive records a request and finds the fault that it meets.
func (s *Sim) arrive(r *http.Request, body []byte) (entry *Request, fault *armed, leave func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	entry = &Request{Seq: s.seq, Time: time.Now(), Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Body: string(body)}
	s.received = append(s.received, entry)
	if k := s.options.Keep; k > 0 && len(s.received) > k {
		s.received = slices.Delete(s.received, 0, len(s.received)-k)
	}
	s.now++
	s.most = max(s.most, s.now)
	email := ""
	if r.Method == http.MethodPost && r.URL.Path == "/contacts" {
		var sent struct{ Email string }
		_ = json.Unmarshal(body, &sent)
		email = strings.ToLower(sent.Email)
		if s.inFlight[email]++; s.inFlight[email] > 1 {
			s.doubled = append(s.doubled, email)
		}
	}
	return entry, s.match(r, body), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.now--
		if email != "" {
			s.inFlight[email]--
		}
	}
}

// gate refuses what gets no further: a wrong key, too many requests. The header goes
// with every answer.
func (s *Sim) gate(r *http.Request) (*answer, http.Header) {
	s.mu.Lock()
	defer s.mu.Unlock()
	header := http.Header{"Sib-Request-Id": {"req-" + time.Now().Format("150405.000000")}}
	given := r.Header.Get("Api-Key")
	switch {
	case given == "":
		return refusal(http.StatusUnauthorized, "unauthorized", "authentication not found in headers"), header
	case given != s.key:
		return refusal(http.StatusUnauthorized, "unauthorized", "Key not found"), header
	}
	if s.options.Rate == 0 || !strings.HasPrefix(r.URL.Path, "/contacts") {
		return nil, header
	}
	if now := time.Now(); now.Sub(s.second) >= time.Second {
		s.second, s.used = now, 0
	}
	s.used++
	header.Set("X-Sib-Ratelimit-Limit", itoa(s.options.Rate))
	header.Set("X-Sib-Ratelimit-Remaining", itoa(max(0, s.options.Rate-s.used)))
	header.Set("X-Sib-Ratelimit-Reset", "1")
	if s.used > s.options.Rate {
		return refusal(http.StatusTooManyRequests, "too_many_requests", "You have exceeded the rate limit"), header
	}
	return nil, header
}

// SetKey replaces the key that is let in, as a rotated one does.
func (s *Sim) SetKey(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key = key
}

// SetAttribute adds an attribute of the account, or takes it away where there is no type.
func (s *Sim) SetAttribute(name, kind string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kind == "" {
		delete(s.attributes, name)
		return
	}
	s.attributes[name] = kind
}

// Received returns the requests, oldest first.
func (s *Sim) Received() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Request, len(s.received))
	for i, r := range s.received {
		list[i] = *r
	}
	return list
}

// Count returns how many requests came for a method and a path.
func (s *Sim) Count(method, path string) (n int) {
	for _, r := range s.Received() {
		if r.Method == method && r.Path == path {
			n++
		}
	}
	return n
}

// Writes returns the contacts that were written, in order.
func (s *Sim) Writes() []Write {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.writes)
}

// WaitWrites returns the writes once there are n, or when done is closed.
func (s *Sim) WaitWrites(n int, done <-chan struct{}) []Write {
	for {
		s.mu.Lock()
		list, changed := slices.Clone(s.writes), s.changed
		s.mu.Unlock()
		if len(list) >= n {
			return list
		}
		select {
		case <-changed:
		case <-done:
			return list
		}
	}
}

// Doubled returns the emails of which two requests were under way at the same time.
func (s *Sim) Doubled() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.doubled)
}

// MostAtOnce returns how many requests were under way at the same time, at most.
func (s *Sim) MostAtOnce() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.most
}

func wait(r *http.Request, d time.Duration, cleared <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-cleared:
	case <-r.Context().Done():
	}
}
