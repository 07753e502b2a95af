// Package redisserver runs a Redis server that is installed on the machine, in a folder of its own, on the loopback
// interface, behind a password. It knows nothing of the product.
package redisserver
