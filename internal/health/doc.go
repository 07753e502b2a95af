// Package health looks after the services that a role depends on, and says how they are: to load balancers, container
// platforms and Prometheus.
package health
