// Package obs is how the product's processes are observed: their logs.
//
// It imports only package config, so that every role can use it.
package obs
