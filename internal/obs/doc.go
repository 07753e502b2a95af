// Package obs makes the loggers of the product's processes, and serves what a process says of itself to who looks for leaks.
//
// It imports only package config.
package obs
