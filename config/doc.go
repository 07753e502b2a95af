// Package config is the only reader of the environment. It turns variables into one Config, fills in the documented
// defaults and reports every problem at once.
//
// It imports nothing of the product but the names of its queues, so that every role can take its settings from it.
package config
