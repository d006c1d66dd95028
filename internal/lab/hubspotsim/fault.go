package hubspotsim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Mode is the kind of a Fault.
type Mode string

// The modes. Those of the second group spoil a good answer: the request is
// carried out first, and answers that are no success pass unchanged.
const (
	// Answer answers with Status and Body; with Status 0 nothing is wrong but
	// the Latency.
	Answer     Mode = ""
	Hang       Mode = "hang"        // no answer until the client goes or the fault is cleared
	Cut        Mode = "cut"         // the connection is cut, before the body is read unless AfterWrite
	NotJSON    Mode = "not_json"    // 200 whose body is Body, else a page of HTML, said to be JSON
	Huge       Mode = "huge"        // 200 with a body of Size bytes
	Redirect   Mode = "redirect"    // Status, else 307, to URL
	DailyLimit Mode = "daily_limit" // 429 of the policy DAILY
	RowError   Mode = "row_error"   // a 207 in which the inputs that hold Holds are refused with Category

	Truncate       Mode = "truncate"        // half of the body, then the connection is cut
	MissingResults Mode = "missing_results" // results[] lacks Drop items, or is missing if Drop is 0
	OtherResults   Mode = "other_results"   // the results are of contacts nobody asked for
	ContentType    Mode = "content_type"    // the right body as text/html
)

// Fault is something that goes wrong. The first fault injected that fits a
// request and is not used up is played for it.
type Fault struct {
	// Name is for the record of requests; empty: the mode or the status.
	Name string `json:"name,omitempty"`
	// Method and Path choose requests: the method as it is, the path as a
	// substring. Empty: any.
	Method string `json:"method,omitempty"`
	Path   string `json:"path,omitempty"`
	// Holds is a text in the body, such as the email or the name of a contact that
	// every request fails for which it is in.
	Holds string `json:"holds,omitempty"`
	// Skip lets the first requests that fit pass; Times bounds how many after
	// that meet the fault, 0: until it is cleared.
	Skip  int `json:"skip,omitempty"`
	Times int `json:"times,omitempty"`

	// Latency is waited before anything else. In JSON it is a text as "150ms".
	Latency time.Duration     `json:"-"`
	Mode    Mode              `json:"mode,omitempty"`
	Status  int               `json:"status,omitempty"`
	Body    string            `json:"body,omitempty"`   // empty: what HubSpot sends with Status
	Header  map[string]string `json:"header,omitempty"` // added to the answer, also to a good one
	URL     string            `json:"url,omitempty"`
	Size    int               `json:"size,omitempty"`
	Drop    int               `json:"drop,omitempty"`
	// Category is HubSpot's name for the error of a RowError.
	Category string `json:"category,omitempty"`
	// AfterWrite carries the request out before the fault strikes: a lost
	// response.
	AfterWrite bool `json:"after_write,omitempty"`
}

type plainFault Fault // without methods

// MarshalJSON writes Latency as a text.
func (f Fault) MarshalJSON() ([]byte, error) {
	latency := ""
	if f.Latency != 0 {
		latency = f.Latency.String()
	}
	data, err := json.Marshal(struct {
		plainFault
		Latency string `json:"latency,omitempty"`
	}{plainFault(f), latency})
	if err != nil {
		return nil, fmt.Errorf("encode a fault: %w", err)
	}
	return data, nil
}

// UnmarshalJSON reads Latency from a text and refuses a fault that cannot be
// played.
func (f *Fault) UnmarshalJSON(data []byte) error {
	var wire struct {
		plainFault
		Latency string `json:"latency"`
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields() // a misspelt member would make another fault of it
	if err := decoder.Decode(&wire); err != nil {
		return fmt.Errorf("decode a fault: %w", err)
	}
	*f = Fault(wire.plainFault)
	if wire.Latency != "" {
		latency, err := time.ParseDuration(wire.Latency)
		if err != nil {
			return fmt.Errorf("latency of a fault: %w", err)
		}
		f.Latency = latency
	}
	return f.validate()
}

func (f *Fault) validate() error {
	modes := []Mode{
		Answer, Hang, Cut, NotJSON, Huge, Redirect, DailyLimit, RowError,
		Truncate, MissingResults, OtherResults, ContentType,
	}
	switch {
	case !slices.Contains(modes, f.Mode):
		return fmt.Errorf("unknown mode %q of a fault", f.Mode)
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return fmt.Errorf("status %d of a fault is not between 200 and 599", f.Status)
	case f.Mode == Redirect && f.URL == "":
		return fmt.Errorf("a fault of mode %q needs a url", f.Mode)
	case f.Mode == Huge && f.Size <= 0:
		return fmt.Errorf("a fault of mode %q needs a size", f.Mode)
	case f.Mode == RowError && (f.Holds == "" || f.Category == ""):
		return fmt.Errorf("a fault of mode %q needs holds and a category", f.Mode)
	case f.Latency < 0 || f.Skip < 0 || f.Times < 0 || f.Drop < 0:
		return fmt.Errorf("negative numbers mean nothing in a fault: %+v", *f)
	}
	return nil
}

// Inject arms a fault. It panics if the fault cannot be played (an unknown
// mode, a redirect without URL, ...), which is a mistake in the calling program.
func (s *Sim) Inject(f Fault) {
	if err := f.validate(); err != nil {
		panic("hubspotsim: " + err.Error())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &armedFault{Fault: f, cleared: make(chan struct{})})
}

// ClearFaults disarms all faults. Requests that hang go on as if nothing had
// been wrong.
func (s *Sim) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clearFaults()
}

func (s *Sim) clearFaults() {
	for _, f := range s.faults {
		close(f.cleared)
	}
	s.faults = nil
}

// armedFault is a fault and how often it has met a request. A nil *armedFault
// is no fault.
type armedFault struct {
	Fault

	met     int
	cleared chan struct{}
}

// looksInside says whether a fault depends on what a request holds.
func (s *Sim) looksInside() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.faults, func(f *armedFault) bool { return f.Holds != "" })
}

// matchFault finds the fault to play for a request, and counts. The body is known
// where a fault depends on it. Call it under the lock.
func (s *Sim) matchFault(r *http.Request, body []byte) *armedFault {
	for _, f := range s.faults {
		if f.Method != "" && f.Method != r.Method || !strings.Contains(r.URL.Path, f.Path) || !bytes.Contains(body, []byte(f.Holds)) {
			continue
		}
		if f.Times > 0 && f.met >= f.Skip+f.Times {
			continue
		}
		f.met++
		if f.met > f.Skip {
			return f
		}
	}
	return nil
}
