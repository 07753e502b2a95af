package config

import "net/url"

// Tracing says where spans go; the names are OpenTelemetry's.
type Tracing struct {
	// Endpoint is the address of an OTLP receiver that speaks HTTP; empty: nothing is followed.
	Endpoint string `env:"OTEL_EXPORTER_OTLP_ENDPOINT"`
	// Headers are sent along: name=value,name=value.
	Headers Secret `env:"OTEL_EXPORTER_OTLP_HEADERS"`
	// Service names the product in traces.
	Service string `env:"OTEL_SERVICE_NAME" envDefault:"cinnamon"`
}

func (t *Tracing) validate(bad func(format string, args ...any)) {
	if t.Endpoint == "" {
		return
	}
	if u, err := url.Parse(t.Endpoint); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		bad("OTEL_EXPORTER_OTLP_ENDPOINT is %q: it must be an http:// or https:// address, for example http://localhost:4318", t.Endpoint)
	}
}
