package metrics

import (
	"fmt"

	"go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.temporal.io/sdk/contrib/opentelemetry"
)

// TemporalHandler is what Temporal's SDK writes its own metrics to.
type TemporalHandler = opentelemetry.MetricsHandler

// Temporal registers the metrics of Temporal's SDK, temporal_*: what they mean is documented there.
func (r *Registry) Temporal() (TemporalHandler, error) {
	exporter, err := prometheus.New(prometheus.WithRegisterer(r.prometheus), prometheus.WithoutScopeInfo(), prometheus.WithoutTargetInfo())
	if err != nil {
		return TemporalHandler{}, fmt.Errorf("preparing the metrics of Temporal's SDK: %w", err)
	}
	// The SDK gives its metrics no description, and OpenTelemetry's own buckets are made for milliseconds.
	described := sdkmetric.NewView(sdkmetric.Instrument{Name: "*"}, sdkmetric.Stream{Description: "A metric of Temporal's SDK; its documentation says more."})
	timed := sdkmetric.NewView(sdkmetric.Instrument{Name: "*", Kind: sdkmetric.InstrumentKindHistogram}, sdkmetric.Stream{
		Description: "A time that Temporal's SDK measures; its documentation says more.",
		Aggregation: sdkmetric.AggregationExplicitBucketHistogram{Boundaries: longBuckets},
	})
	view := func(i sdkmetric.Instrument) (sdkmetric.Stream, bool) {
		if stream, ok := timed(i); ok {
			return stream, true
		}
		return described(i)
	}
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter), sdkmetric.WithView(view))
	return opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{
		Meter: provider.Meter("temporal-sdk-go"), UseMonotonicCounters: true,
		OnError: func(err error) { r.log.Warn("a metric of Temporal's SDK can't be kept", "error", err) },
	}), nil
}
