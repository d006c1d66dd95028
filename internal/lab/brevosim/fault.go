package brevosim

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Mode is the kind of a Fault.
type Mode string

// The modes.
const (
	Answer Mode = ""     // answers with Status and Body; with Status 0 nothing is wrong but the Latency
	Hang   Mode = "hang" // no answer until the client goes or the fault is cleared
	Cut    Mode = "cut"  // the connection is cut
)

// Fault is something that goes wrong. The first fault that fits a request and is not
// used up is played for it.
type Fault struct {
	Method string `json:"method,omitempty"` // empty: any
	Path   string `json:"path,omitempty"`   // a part of it; empty: any
	Holds  string `json:"holds,omitempty"`  // a text in the body
	Skip   int    `json:"skip,omitempty"`   // the first requests that fit pass
	Times  int    `json:"times,omitempty"`  // how many after that meet it; 0: until it is cleared

	Mode       Mode              `json:"mode,omitempty"`
	Status     int               `json:"status,omitempty"`
	Body       string            `json:"body,omitempty"`
	Header     map[string]string `json:"header,omitempty"`
	AfterWrite bool              `json:"after_write,omitempty"` // the request is carried out first: a lost response
	Latency    time.Duration     `json:"latency_ns,omitempty"`
}

// armed is a fault and how often it has met a request. A nil one is none.
type armed struct {
	Fault

	met     int
	cleared chan struct{}
}

// Inject arms a fault.
func (s *Sim) Inject(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &armed{Fault: f, cleared: make(chan struct{})})
}

// ClearFaults disarms all faults and lets go of what hangs.
func (s *Sim) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		close(f.cleared)
	}
	s.faults = nil
}

// match finds the fault for a request, and counts. Call it under the lock.
func (s *Sim) match(r *http.Request, body []byte) *armed {
	i := slices.IndexFunc(s.faults, func(f *armed) bool {
		if f.Method != "" && f.Method != r.Method || !strings.Contains(r.URL.Path, f.Path) || !bytes.Contains(body, []byte(f.Holds)) {
			return false
		}
		if f.Times > 0 && f.met >= f.Skip+f.Times {
			return false
		}
		f.met++
		return f.met > f.Skip
	})
	if i < 0 {
		return nil
	}
	return s.faults[i]
}

// replaces reports whether the fault's answer comes instead of the account's.
func (f *armed) replaces() bool { return f != nil && (f.Mode == Cut || f.Status != 0) }

func (f *armed) answer() answer {
	header := http.Header{}
	for name, value := range f.Header {
		header.Set(name, value)
	}
	body := f.Body
	if body == "" {
		body = `{"code":"error","message":"` + http.StatusText(f.Status) + `"}`
	}
	if header.Get("Content-Type") == "" {
		header.Set("Content-Type", "application/json")
	}
	return answer{status: f.Status, header: header, body: []byte(body)}
}
