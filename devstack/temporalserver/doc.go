// Package temporalserver runs a Temporal server and its Web UI inside this process, with SQLite as the store. All four
// services of the server share the process, tuned for one machine. It knows nothing of the product: its workflows and
// search attributes are registered by others.
package temporalserver
