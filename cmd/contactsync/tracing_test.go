package main

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// otlp receives traces as a collector does, in its own protocol.
type otlp struct {
	mu    sync.Mutex
	spans []*trace.Span
	raw   []byte
}

func (o *otlp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(r.Body)
	var request collector.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(data, &request)
	}
	if err != nil || r.URL.Path != "/v1/traces" {
		http.Error(w, "not OTLP", http.StatusBadRequest)
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.raw = append(o.raw, data...)
	for _, resource := range request.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			o.spans = append(o.spans, scope.Spans...)
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// A cycle is a span with its requests below it and a link to the commit that queued
// each contact, and no span holds anything of a contact.
func TestTraces(t *testing.T) {
	t.Parallel()
	const commit = "4bf92f3577b34da6a3ce929d0e0e4736"
	in := progtest.Install(t)
	in.Exec(`ALTER TABLE contacts ADD COLUMN traceparent text`)
	in.Exec(`GRANT SELECT (traceparent) ON contacts TO PUBLIC`)
	received := &otlp{}
	server := httptest.NewServer(received)
	t.Cleanup(server.Close)
	p := in.Start(in.Env("OTEL_EXPORTER_OTLP_ENDPOINT="+server.URL), "run")
	p.Wait("leading", 1)
	in.Exec(`INSERT INTO contacts (email, hubspot_processing_status, traceparent) VALUES
		('ada@example.org', 'Queued', '00-` + commit + `-00f067aa0ba902b7-01'), ('bob@example.org', 'Queued', 'nonsense')`)
	in.Await("2", `SELECT count(*)::text FROM contacts WHERE hubspot_processing_status = 'Complete'`)
	if code := p.Stop(); code != 0 { // which sends what is left
		t.Errorf("exit code %d", code)
	}

	received.mu.Lock()
	defer received.mu.Unlock()
	var cycles, upserts []*trace.Span
	for _, span := range received.spans {
		switch span.Name {
		case "sync cycle":
			cycles = append(cycles, span)
		case "HubSpot upsert":
			upserts = append(upserts, span)
		}
	}
	if len(cycles) != 1 || len(upserts) != 1 {
		t.Fatalf("%d cycles and %d upserts in %v", len(cycles), len(upserts), received.spans)
	}
	cycle, upsert := cycles[0], upserts[0]
	if string(upsert.ParentSpanId) != string(cycle.SpanId) || string(upsert.TraceId) != string(cycle.TraceId) {
		t.Error("the request's span is not below the cycle's")
	}
	if len(cycle.Links) != 1 || hex.EncodeToString(cycle.Links[0].TraceId) != commit {
		t.Errorf("links %v, want one to %s", cycle.Links, commit)
	}
	attributes := map[string]int64{}
	for _, a := range append(cycle.Attributes, upsert.Attributes...) {
		attributes[a.Key] = a.Value.GetIntValue()
	}
	for name, want := range map[string]int64{
		"contactsync.contacts": 2, "contactsync.outcome.synced": 2, "http.response.status_code": 200,
	} {
		if attributes[name] != want {
			t.Errorf("%s is %d, want %d", name, attributes[name], want)
		}
	}
	// The account is asked for before the first write where the check at the start has no answer yet.
	if n := attributes["contactsync.requests"]; n != 1 && n != 2 {
		t.Errorf("contactsync.requests is %d, want 1, or 2 with the account's", n)
	}
	for _, secret := range []string{"ada@", "bob@", progtest.GoodKey} {
		if strings.Contains(string(received.raw), secret) {
			t.Errorf("%q is in the traces", secret)
		}
	}
}

func TestTracesOfAnotherProtocolAreRefused(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	_, stderr, code := in.Command(in.Env("OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"), "run")
	if code != 1 || !strings.Contains(stderr, "http/protobuf") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
