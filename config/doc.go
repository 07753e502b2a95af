// Package config is the only reader of the environment. It turns variables into one Config, fills in the documented
// defaults and reports every problem at once.
//
// It imports nothing of the product, so that every role can take its settings from it.
package config
