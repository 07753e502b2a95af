package tracing

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

const (
	failed = codes.Error
	// header is W3C's name of what leads from one span to the next.
	header = "traceparent"
)

// Parent is the W3C trace context of the span that goes on; empty if nothing is followed.
func Parent(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier[header]
}

// WithParent goes on in the trace that a W3C trace context names, unless it is none.
func WithParent(ctx context.Context, parent string) context.Context {
	if parent == "" {
		return ctx
	}
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{header: parent})
}

// Or goes on in the trace that a W3C trace context names, unless a span goes on already.
func Or(ctx context.Context, parent string) context.Context {
	if trace.SpanContextFromContext(ctx).IsValid() {
		return ctx
	}
	return WithParent(ctx, parent)
}

// Again goes on in the trace that a W3C trace context names, with a link to it from the span that goes on, if there is one: who asks for something
// to be done again has a trace of his own.
func Again(ctx context.Context, parent string) context.Context {
	within := WithParent(ctx, parent)
	if to := trace.SpanContextFromContext(within); parent != "" && to.IsValid() {
		trace.SpanFromContext(ctx).AddLink(trace.Link{SpanContext: to})
	}
	return within
}

// Step begins the span of a test's step, if the attempt is followed. What the step says is not told: it may hold secrets. end is given why it failed; empty if it did not.
func Step(ctx context.Context, action string, number int) (within context.Context, end func(failure string)) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, func(string) {}
	}
	//nolint:spancheck // who calls ends it
	ctx, span := parent.TracerProvider().Tracer(tracerName).Start(ctx, "step "+action, trace.WithAttributes(
		attribute.String("cinnamon.step.action", action), attribute.Int("cinnamon.step.number", number)))
	return ctx, func(failure string) { //nolint:spancheck // it ends the span
		if failure != "" {
			span.SetStatus(failed, failure)
		}
		span.End()
	}
}

// IDs are those of the trace and the span that go on; empty if nothing is followed.
func IDs(ctx context.Context) (traceID, spanID string) {
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		return span.TraceID().String(), span.SpanID().String()
	}
	return "", ""
}
