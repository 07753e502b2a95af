package config

import "net"

// Where health and metrics of a role are served unless told otherwise; elsewhere on loopback if another process is there.
const (
	WorkerMetricsAddr = "127.0.0.1:9464"
	BridgeMetricsAddr = "127.0.0.1:9465"
)

// MetricsOff is the address of metrics that are not served.
const MetricsOff = "off"

// Metrics says where /metrics, /livez and /readyz are served.
type Metrics struct {
	// Addr is the address to listen on; off: none; empty: that of the role. The API serves them on its own address, and here
	// too if this is set.
	Addr string `env:"METRICS_ADDR"`
}

func (m *Metrics) validate(bad func(format string, args ...any)) {
	if m.Addr == "" || m.Addr == MetricsOff {
		return
	}
	if _, _, err := net.SplitHostPort(m.Addr); err != nil {
		bad("METRICS_ADDR is %q: it must be host:port, for example 127.0.0.1:9464, or off", m.Addr)
	}
}
