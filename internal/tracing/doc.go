// Package tracing follows a run from the API through its workflow and activities to its steps, with OpenTelemetry. Without an endpoint
// nothing is followed, and nothing costs anything. It is the only home of OpenTelemetry's traces, and knows no role.
package tracing
