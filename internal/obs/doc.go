// Package obs makes the loggers of the product's processes.
//
// It imports only package config.
package obs
