package tracing

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/drain"
)

const scope = "github.com/scrapersky/contactsync"

// Observe makes a span of every cycle, and passes all on to next.
func (t *Tracing) Observe(next drain.Observer) drain.Observer {
	if t == nil {
		return next
	}
	return &cycles{Observer: next, tracer: t.provider.Tracer(scope)}
}

type cycles struct {
	drain.Observer

	tracer trace.Tracer
}

// Began implements [drain.Observer]. Ended ends the span.
func (c *cycles) Began(ctx context.Context, b drain.Claimed) context.Context {
	ctx = c.Observer.Began(ctx, b)
	ctx, _ = c.tracer.Start(ctx, "sync cycle", //nolint:spancheck // Ended is always called
		trace.WithNewRoot(), trace.WithTimestamp(b.At), trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithLinks(commits(b.Contacts)...),
		trace.WithAttributes(
			attribute.Int64("contactsync.cycle", b.Cycle),
			attribute.Int("contactsync.contacts", len(b.Contacts)),
			attribute.String("contactsync.reason", string(b.Reason))))
	return ctx
}

// Ended implements [drain.Observer].
func (c *cycles) Ended(ctx context.Context, e drain.Ended) {
	span := trace.SpanFromContext(ctx)
	counts := map[string]int{}
	for _, o := range e.Outcomes {
		counts["contactsync.outcome."+string(o.Verdict)]++
		if o.Code != "" {
			counts["contactsync.code."+string(o.Code)]++
		}
	}
	for name, n := range counts {
		span.SetAttributes(attribute.Int(name, n))
	}
	span.SetAttributes(
		attribute.Int("contactsync.requests", e.Requests),
		attribute.Int64("contactsync.throttled_ms", e.Throttled.Milliseconds()))
	switch {
	case e.Err != nil:
		span.SetStatus(codes.Error, "not settled")
	case e.Pause != nil:
		span.SetStatus(codes.Error, string(e.Pause.Code))
	}
	span.End()
	c.Observer.Ended(ctx, e)
}

// commits are links to the traces in which the contacts were queued, each once.
func commits(contacts []contact.Contact) (links []trace.Link) {
	seen := map[trace.SpanID]bool{}
	for _, c := range contacts {
		if c.TraceParent == "" {
			continue
		}
		carrier := propagation.MapCarrier{"traceparent": c.TraceParent}
		from := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), carrier))
		if from.IsValid() && !seen[from.SpanID()] {
			seen[from.SpanID()] = true
			links = append(links, trace.Link{SpanContext: from})
		}
	}
	return links
}

// Transport makes a span of every request to a destination. label is the
// destination's, and name returns the kind of a request, one of a few. It does not
// send the trace along, and leaves out the address, which can hold that of a contact:
// this is why it is not otelhttp.
func (t *Tracing) Transport(base http.RoundTripper, label string, name func(*http.Request) string) http.RoundTripper {
	if t == nil {
		return base
	}
	return &requests{base: base, tracer: t.provider.Tracer(scope), label: label, name: name}
}

type requests struct {
	base   http.RoundTripper
	tracer trace.Tracer
	label  string
	name   func(*http.Request) string
}

// RoundTrip implements [http.RoundTripper].
func (t *requests) RoundTrip(r *http.Request) (*http.Response, error) {
	call := t.name(r)
	ctx, span := t.tracer.Start(r.Context(), t.label+" "+call, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(
			attribute.String("http.request.method", r.Method),
			attribute.String("server.address", r.URL.Hostname()),
			attribute.String("contactsync.call", call)))
	defer span.End()
	res, err := t.base.RoundTrip(r.WithContext(ctx))
	if err != nil {
		span.SetStatus(codes.Error, "no answer")
		return res, err
	}
	span.SetAttributes(attribute.Int("http.response.status_code", res.StatusCode))
	if res.StatusCode >= 400 {
		span.SetStatus(codes.Error, http.StatusText(res.StatusCode))
	}
	return res, nil
}

// CloseIdleConnections lets http.Client's method of that name reach the base.
func (t *requests) CloseIdleConnections() {
	if closer, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}
