package hubspotsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// controlRoutes is the API for those who run the Sim: JSON in and out, no
// credentials. The bodies are those of Fault, Behaviour, Request, Write,
// Contact, Stats.
func (s *Sim) controlRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_sim/healthz", func(w http.ResponseWriter, _ *http.Request) {
		respond(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /_sim/stats", func(w http.ResponseWriter, _ *http.Request) { respond(w, http.StatusOK, s.Stats()) })
	mux.HandleFunc("GET /_sim/requests", func(w http.ResponseWriter, r *http.Request) {
		since(w, r, "requests", s.Received(), func(q Request) int { return q.Seq })
	})
	mux.HandleFunc("GET /_sim/writes", func(w http.ResponseWriter, r *http.Request) {
		since(w, r, "writes", s.Writes(), func(q Write) int { return q.Seq })
	})
	mux.HandleFunc("GET /_sim/contacts", s.controlContacts)
	mux.HandleFunc("POST /_sim/contacts", s.controlArrange)
	mux.HandleFunc("GET /_sim/faults", func(w http.ResponseWriter, _ *http.Request) {
		respond(w, http.StatusOK, map[string]any{"faults": s.Faults()})
	})
	mux.HandleFunc("POST /_sim/faults", func(w http.ResponseWriter, r *http.Request) {
		var f Fault
		if take(w, r, &f) {
			s.Inject(f)
			respond(w, http.StatusCreated, f)
		}
	})
	mux.HandleFunc("DELETE /_sim/faults", func(w http.ResponseWriter, _ *http.Request) {
		s.ClearFaults()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /_sim/behaviour", func(w http.ResponseWriter, r *http.Request) {
		var b Behaviour
		if !take(w, r, &b) {
			return
		}
		if err := s.SetBehaviour(b); err != nil {
			complain(w, http.StatusBadRequest, err)
			return
		}
		respond(w, http.StatusOK, b)
	})
	mux.HandleFunc("POST /_sim/token", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Token string `json:"token"`
		}
		if take(w, r, &body) {
			s.SetToken(body.Token)
			w.WriteHeader(http.StatusNoContent)
		}
	})
	mux.HandleFunc("POST /_sim/reset", func(w http.ResponseWriter, _ *http.Request) {
		s.Reset()
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

// controlContacts shows all contacts, or with "?email=" the one of an address.
func (s *Sim) controlContacts(w http.ResponseWriter, r *http.Request) {
	email := r.URL.Query().Get("email")
	if email == "" {
		respond(w, http.StatusOK, map[string]any{"contacts": s.Contacts()})
		return
	}
	contact, ok := s.Contact(email)
	if !ok {
		complain(w, http.StatusNotFound, fmt.Errorf("no contact has the address %s", email))
		return
	}
	respond(w, http.StatusOK, contact)
}

// controlArrange puts a contact there: see Put, AddSecondary, Conflict, Archive.
func (s *Sim) controlArrange(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Email      string            `json:"email"`
		Properties map[string]string `json:"properties"`
		Secondary  []string          `json:"secondary"`
		Conflicts  []string          `json:"conflicts"` // addresses whose upsert conflicts with this contact
		Archived   bool              `json:"archived"`
	}
	if !take(w, r, &body) {
		return
	}
	if body.Email == "" {
		complain(w, http.StatusBadRequest, errors.New("email is missing"))
		return
	}
	s.Put(body.Email, body.Properties)
	var errs []error
	for _, address := range body.Secondary {
		errs = append(errs, s.AddSecondary(body.Email, address))
	}
	for _, address := range body.Conflicts {
		errs = append(errs, s.Conflict(address, body.Email))
	}
	if err := errors.Join(errs...); err != nil {
		complain(w, http.StatusConflict, err)
		return
	}
	if body.Archived {
		s.Archive(body.Email)
	}
	contact, _ := s.Contact(body.Email)
	respond(w, http.StatusCreated, contact)
}

// Faults is the faults that are armed, used up or not.
func (s *Sim) Faults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Fault, 0, len(s.faults))
	for _, f := range s.faults {
		all = append(all, f.Fault)
	}
	return all
}

// since shows the items whose number is above "?since=", all without it.
func since[T any](w http.ResponseWriter, r *http.Request, name string, items []T, seq func(T) int) {
	after := 0
	if text := r.URL.Query().Get("since"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			complain(w, http.StatusBadRequest, fmt.Errorf("since: %w", err))
			return
		}
		after = n
	}
	first := 0
	for first < len(items) && seq(items[first]) <= after {
		first++
	}
	respond(w, http.StatusOK, map[string]any{name: items[first:]})
}

// take reads the body into v, and complains to the client if that fails.
func take(w http.ResponseWriter, r *http.Request, v any) bool {
	decoder := json.NewDecoder(io.LimitReader(r.Body, maxRequestBody))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		complain(w, http.StatusBadRequest, err)
		return false
	}
	return true
}

func complain(w http.ResponseWriter, status int, err error) {
	respond(w, status, map[string]string{"error": err.Error()})
}

func respond(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(encode(value)) // a client that has gone is its own affair
}
