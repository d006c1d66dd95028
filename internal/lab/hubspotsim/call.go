package hubspotsim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// maxRequestBody bounds what one request may make the Sim read.
const maxRequestBody = 16 << 20

// call is one request on its way through the Sim.
type call struct {
	request *http.Request
	query   url.Values
	version string   // of the path
	ids     []string // what stands in the path: a contact's id, a property's name

	endpoint *endpoint   // never nil
	fault    *armedFault // nil: none
	journal  *journal    // that entry is in; Reset gives the Sim another
	entry    *Request    // guarded by Sim.mu

	body   []byte
	upsert upsertBody // the decoded body of a batch upsert
	patch  patchBody
	read   readBody
	bad    error // why the body is not the JSON it should be
}

func newCall(r *http.Request) *call {
	c := &call{request: r, query: r.URL.Query()}
	c.endpoint, c.version, c.ids = lookup(r.Method, r.URL.EscapedPath())
	return c
}

// receive takes in the whole body and notes the contacts it carries: they are
// on record even if the request is refused. Only with the body read does
// net/http notice a client that goes away while its answer is held back.
func (s *Sim) receive(c *call) error {
	var body bytes.Buffer
	if told := c.request.ContentLength; told > 0 {
		body.Grow(int(min(told, maxRequestBody)) + bytes.MinRead)
	}
	if _, err := body.ReadFrom(io.LimitReader(c.request.Body, maxRequestBody+1)); err != nil {
		return fmt.Errorf("read the body: %w", err)
	}
	c.body = body.Bytes()
	if c.endpoint.inputs == nil {
		return nil
	}
	if len(c.body) > maxRequestBody {
		c.bad = errors.New("the request body is too large")
		return nil
	}
	inputs := c.endpoint.inputs(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	c.journal.addInputs(c.entry, inputs)
	return nil
}
