package tracing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/interceptor"
)

// Options say where spans go.
type Options struct {
	// Endpoint is the address of an OTLP receiver that speaks HTTP; empty: nothing is followed.
	Endpoint string
	// Headers are sent along: name=value,name=value.
	Headers string
	// Service names the product in traces, Role the part of it.
	Service, Role string
	Log           *slog.Logger
}

const (
	tracerName  = "cinnamon"
	flushWithin = 5 * time.Second
)

// Tracer makes spans; a nil one makes none.
type Tracer struct {
	provider *sdktrace.TracerProvider
	log      *slog.Logger
}

// Start makes a tracer; nil if nothing is to be followed.
func Start(ctx context.Context, o Options) (*Tracer, error) {
	if o.Endpoint == "" {
		return nil, nil //nolint:nilnil // a nil tracer makes no spans
	}
	address, err := url.Parse(o.Endpoint)
	if err != nil || address.Host == "" {
		return nil, errors.New("OTEL_EXPORTER_OTLP_ENDPOINT must be an http:// or https:// address")
	}
	if !strings.HasSuffix(address.Path, "/v1/traces") {
		address = address.JoinPath("v1/traces")
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(address.String()), otlptracehttp.WithHeaders(pairs(o.Headers)))
	if err != nil {
		return nil, fmt.Errorf("preparing the export of traces: %w", err)
	}
	about := resource.NewSchemaless(attribute.String("service.name", o.Service), attribute.String("service.namespace", "cinnamon"), attribute.String("cinnamon.role", o.Role))
	return &Tracer{log: o.Log, provider: sdktrace.NewTracerProvider(
		sdktrace.WithResource(about), sdktrace.WithBatcher(exporter, sdktrace.WithBatchTimeout(2*time.Second)),
	)}, nil
}

func pairs(text string) map[string]string {
	headers := map[string]string{}
	for part := range strings.SplitSeq(text, ",") {
		if name, value, ok := strings.Cut(part, "="); ok {
			headers[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	return headers
}

// Close sends what is left, for a few seconds at most.
func (t *Tracer) Close(ctx context.Context) {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushWithin)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		t.log.WarnContext(ctx, "the last spans could not be sent", "error", err)
	}
}

// Temporal follows workflows and activities; nil if nothing is followed.
func (t *Tracer) Temporal() (interceptor.Interceptor, error) {
	if t == nil {
		return nil, nil //nolint:nilnil // nothing is to be followed
	}
	followed, err := opentelemetry.NewTracingInterceptor(opentelemetry.TracerOptions{
		Tracer: t.provider.Tracer(tracerName), TextMapPropagator: propagation.TraceContext{}, AllowInvalidParentSpans: true, DisableBaggage: true,
		DisableQueryTracing: true,
	})
	if err != nil {
		return nil, fmt.Errorf("preparing the tracing of workflows: %w", err)
	}
	return followed, nil
}

// Request begins the span of a request to the API, in the trace that its client names. end is given the status of the answer.
func (t *Tracer) Request(ctx context.Context, method, route, parent string) (within context.Context, end func(status int)) {
	if t == nil {
		return ctx, func(int) {}
	}
	const broken = 500
	//nolint:spancheck // who calls ends it
	ctx, span := t.provider.Tracer(tracerName).Start(WithParent(ctx, parent), method+" "+route, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", method), attribute.String("http.route", route)))
	return ctx, func(status int) { //nolint:spancheck // it ends the span
		span.SetAttributes(attribute.Int("http.response.status_code", status))
		if status >= broken {
			span.SetStatus(failed, "")
		}
		span.End()
	}
}
