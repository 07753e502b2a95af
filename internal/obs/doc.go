// Package obs is how the product's processes are observed: their logs, and what a process says of itself to who looks for
// leaks.
//
// It imports only package config, so that every role can use it.
package obs
