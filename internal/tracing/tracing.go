// Package tracing sends OpenTelemetry traces: a span for each cycle and one for each
// request to a destination, linked to the traces of the commits that queued the contacts.
// It is off unless the standard OTEL_* variables say otherwise; then nothing of it
// runs. Spans hold numbers and codes, nothing of a contact.
package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
)

// flushTimeout bounds the farewell: what could not be sent by then is lost.
const flushTimeout = 2 * time.Second

// Tracing is what sends. A nil one is off.
type Tracing struct{ provider *trace.TracerProvider }

// Start starts sending if the environment asks for it, else it answers nil. The
// exporter, the sampler and the batches are set by the variables that the SDK reads
// itself: OTEL_EXPORTER_OTLP_*, OTEL_TRACES_SAMPLER, OTEL_BSP_*, OTEL_RESOURCE_ATTRIBUTES,
// OTEL_SERVICE_NAME.
func Start(ctx context.Context, lookup func(name string) (string, bool), version, instance string, log *slog.Logger) (*Tracing, error) {
	on, err := wanted(lookup)
	if err != nil || !on {
		return nil, err
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("OpenTelemetry (OTEL_EXPORTER_OTLP_*): %w", err)
	}
	about, err := resource.New(ctx,
		resource.WithAttributes(
			attribute.String("service.name", "contactsync"),
			attribute.String("service.version", version),
			attribute.String("service.instance.id", instance)),
		resource.WithTelemetrySDK(), resource.WithFromEnv()) // the environment wins
	if err != nil {
		return nil, fmt.Errorf("OpenTelemetry (OTEL_RESOURCE_ATTRIBUTES): %w", err)
	}
	otel.SetErrorHandler(&complaints{log: log})
	log.InfoContext(ctx, "sending traces to OpenTelemetry")
	return &Tracing{provider: trace.NewTracerProvider(trace.WithBatcher(exporter), trace.WithResource(about))}, nil
}

// wanted is what the standard variables say. Beside OTEL_TRACES_EXPORTER=otlp an
// endpoint alone will do.
func wanted(lookup func(name string) (string, bool)) (bool, error) {
	get := func(name string) string {
		text, _ := lookup(name)
		return text
	}
	if get("OTEL_SDK_DISABLED") == "true" {
		return false, nil
	}
	switch exporter := get("OTEL_TRACES_EXPORTER"); exporter {
	case "none":
		return false, nil
	case "otlp":
	case "":
		if get("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" {
			return false, nil
		}
	default:
		return false, fmt.Errorf("OTEL_TRACES_EXPORTER=%q: expected otlp or none", exporter)
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		if protocol := get(name); protocol != "" && protocol != "http/protobuf" {
			return false, fmt.Errorf("%s=%q: expected http/protobuf (port 4318 of a collector)", name, protocol)
		}
	}
	return true, nil
}

// Stop sends what is left, for two seconds at most.
func (t *Tracing) Stop(ctx context.Context) {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		otel.Handle(err)
	}
}

// complaints logs what the SDK has to say: seldom, because a collector that is away
// makes it say the same every few seconds.
type complaints struct {
	log *slog.Logger

	mu   sync.Mutex
	last time.Time
}

// Handle implements [otel.ErrorHandler].
func (c *complaints) Handle(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.last) < time.Minute {
		return
	}
	c.last = time.Now()
	c.log.WarnContext(context.Background(), "Traces could not be sent", "error", err)
}
