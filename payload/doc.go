// Package payload encrypts what Temporal stores of workflows: inputs, results,
// heartbeats, memos, summaries and the messages of failures.
//
// A Codec seals each payload with AES-256-GCM under the first key of a list,
// and opens those sealed under any of them, so that keys can be replaced while
// workflows run. Search attributes, ids and names of types stay readable: the
// server needs them. The package reads no environment and imports nothing of
// ours; its tests need no service.
package payload
