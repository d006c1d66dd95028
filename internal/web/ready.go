package web

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"
)

// State is what a process is doing, for people who open /readyz.
type State struct {
	Role   string // "leader", "follower", "disabled"
	Reason string // why, where that is not plain; empty otherwise
}

// alive responds as long as the process can respond to anything.
func alive(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "ok\n") // fails when the client has gone
}

// readiness responds with 200 while the database can be reached, else with 503. A
// follower is ready: platforms gate a deploy on this response, and with one slot
// the new process follows until the old one has gone. The database's own words
// stay inside, because anybody may ask.
func readiness(site Site) http.Handler {
	ping := newProbe(site.Ping)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := struct {
			Ready  bool   `json:"ready"`
			Role   string `json:"role,omitempty"`
			Reason string `json:"reason,omitempty"`
		}{Ready: true}
		if site.State != nil {
			state := site.State()
			answer.Role, answer.Reason = state.Role, state.Reason
		}
		code := http.StatusOK
		if err := ping.run(r.Context()); err != nil {
			answer.Ready, answer.Reason = false, "the database cannot be reached"
			code = http.StatusServiceUnavailable
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(answer) // as above
	})
}

// A probe of the database has a deadline, and its result holds for a while.
const (
	pingTimeout = 2 * time.Second
	pingHolds   = time.Second
)

// probe asks the database on behalf of everybody who asks at the same time, so
// that nobody can keep its connections busy from outside.
type probe struct {
	ask  func(ctx context.Context) error
	last chan verdict // holds the last result; empty while a probe is under way
}

type verdict struct {
	err error
	at  time.Time
}

func newProbe(ask func(ctx context.Context) error) *probe {
	p := &probe{ask: ask, last: make(chan verdict, 1)}
	p.last <- verdict{}
	return p
}

func (p *probe) run(ctx context.Context) error {
	if p.ask == nil {
		return nil
	}
	v := <-p.last
	defer func() { p.last <- v }()
	if v.at.IsZero() || time.Since(v.at) >= pingHolds {
		// The result is for others, too: the probe goes on when this request is gone.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pingTimeout)
		defer cancel()
		v = verdict{err: p.ask(ctx), at: time.Now()}
	}
	return v.err
}
