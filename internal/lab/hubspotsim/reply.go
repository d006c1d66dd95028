package hubspotsim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
)

const (
	jsonType = "application/json;charset=utf-8"
	htmlType = "text/html; charset=UTF-8"
)

// reply is an answer before it is put on the wire.
type reply struct {
	status      int
	header      http.Header // may be nil
	contentType string      // empty: jsonType
	value       any         // encoded as JSON, unless text is set
	text        string
	padding     int // bytes of filling to stream after a JSON object was opened
	correlation string
}

// success is a 200 with value as its body.
func success(value any) reply { return reply{status: http.StatusOK, value: value} }

// withHeader adds what the gate says about limits, without overriding.
func (r reply) withHeader(header http.Header) reply {
	all := maps.Clone(header)
	if all == nil {
		all = http.Header{}
	}
	maps.Copy(all, r.header)
	r.header = all
	return r
}

// delivery is how much of a reply reaches the client.
type delivery int

const (
	whole     delivery = iota
	truncated          // the first half of the body, then the connection is cut
	cutOff             // nothing: the connection is cut
)

// send puts the reply on the wire. It panics with http.ErrAbortHandler where
// the connection is to be cut, which net/http understands.
func (d delivery) send(w http.ResponseWriter, r reply) {
	if d == cutOff {
		panic(http.ErrAbortHandler)
	}
	body := []byte(r.text)
	if r.text == "" && r.value != nil {
		body = encode(r.value)
	}
	header := w.Header()
	header.Set("Content-Type", jsonType)
	if r.contentType != "" {
		header.Set("Content-Type", r.contentType)
	}
	if r.correlation == "" {
		r.correlation = newCorrelationID()
	}
	header.Set("X-HubSpot-Correlation-Id", r.correlation)
	maps.Copy(header, r.header)
	if r.padding > 0 {
		w.WriteHeader(r.status)
		stream(w, r.padding)
		return
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(r.status)
	if d == truncated {
		body = body[:len(body)/2]
	}
	_, _ = w.Write(body) // a client that has gone is its own affair
	if d == truncated {
		_ = http.NewResponseController(w).Flush() // likewise
		panic(http.ErrAbortHandler)
	}
}

// stream writes a JSON object of about size bytes. It stops at the first error:
// most clients have gone long before the end.
func stream(w http.ResponseWriter, size int) {
	filling := []byte(strings.Repeat("x", 64<<10))
	if _, err := w.Write([]byte(`{"status":"COMPLETE","results":[],"padding":"`)); err != nil {
		return
	}
	for size > 0 {
		n, err := w.Write(filling[:min(size, len(filling))])
		if err != nil {
			return
		}
		size -= n
	}
	_, _ = w.Write([]byte(`"}`)) // as above
}

// encode writes v as HubSpot does: without escaping <, > and &.
func encode(v any) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(fmt.Sprintf("hubspotsim: encode an answer: %v", err)) // only types of this package come here
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// newCorrelationID is a random uuid.
func newCorrelationID() string {
	high, low := rand.Uint64(), rand.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x",
		high>>32, high>>16&0xffff, high&0xfff, low>>48&0x3fff|0x8000, low&0xffffffffffff)
}
