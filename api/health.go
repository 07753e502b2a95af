package api

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
)

// Check looks after one service that the product depends on.
type Check struct {
	Name string
	// Required services must answer for the API to be ready. Redis isn't one: runs go on without it.
	Required bool
	// Probe returns nil if all is well; a detail may come with it.
	Probe func(ctx context.Context) (detail string, err error)
}

const (
	probeWithin = 2 * time.Second
	// shareFor is how long what a look at the services found answers other requests, too.
	shareFor = time.Second
)

type checkResource struct {
	Status   string `json:"status"` // up or down
	Required bool   `json:"required"`
	Detail   string `json:"detail,omitempty"`
	Latency  int64  `json:"latency"` // milliseconds
}

func (h *handlers) health(c *gin.Context) {
	found, err := h.services.report(c.Request.Context())
	if err != nil {
		c.AbortWithStatus(http.StatusServiceUnavailable) // who asked has gone
		return
	}
	status, code := "ok", http.StatusOK
	switch {
	case !found.ready:
		status, code = "down", http.StatusServiceUnavailable
	case !found.well:
		status = "degraded"
	}
	c.JSON(code, gin.H{"status": status, "checks": found.checks})
}

// ready tells a load balancer whether to send requests here; it names services, no details.
func (h *handlers) ready(c *gin.Context) {
	found, err := h.services.report(c.Request.Context())
	if err != nil {
		c.AbortWithStatus(http.StatusServiceUnavailable) // who asked has gone
		return
	}
	names := gin.H{}
	for name, check := range found.checks {
		names[name] = check.Status
	}
	if !found.ready {
		c.JSON(http.StatusServiceUnavailable, gin.H{"status": "not ready", "checks": names})
		return
	}
	c.JSON(http.StatusOK, gin.H{"status": "ready", "checks": names})
}

// prober looks after the services for all requests together: anybody may ask whether the API is ready, and a flood of such
// requests must not become one at the services.
type prober struct {
	checks []Check

	mu     sync.Mutex
	newest *report
}

// report is what one look at the services found. Its fields are read once done is closed, and not written after that.
type report struct {
	done   chan struct{}
	at     time.Time
	checks map[string]checkResource
	// ready: all required services are up; well: all services are.
	ready, well bool
}

// fresh says that a look is under way or was not long ago.
func (r *report) fresh() bool {
	select {
	case <-r.done:
		return time.Since(r.at) < shareFor
	default:
		return true
	}
}

// report returns what was found lately, or waits for a look, which others may wait for as well: it goes on when ctx ends.
func (p *prober) report(ctx context.Context) (*report, error) {
	p.mu.Lock()
	r := p.newest
	if r == nil || !r.fresh() {
		r = &report{done: make(chan struct{})}
		p.newest = r
		go p.look(context.WithoutCancel(ctx), r)
	}
	p.mu.Unlock()
	select {
	case <-r.done:
		return r, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// look probes the services side by side.
func (p *prober) look(ctx context.Context, r *report) {
	defer close(r.done)
	ctx, cancel := context.WithTimeout(ctx, probeWithin)
	defer cancel()
	results := make([]checkResource, len(p.checks))
	var all sync.WaitGroup
	for i, check := range p.checks {
		all.Go(func() {
			began := time.Now()
			detail, err := check.Probe(ctx)
			results[i] = checkResource{Status: "up", Required: check.Required, Detail: detail, Latency: time.Since(began).Milliseconds()}
			if err != nil {
				results[i].Status = "down"
				if results[i].Detail, _ = public(err); results[i].Detail == "" {
					results[i].Detail = "it does not answer"
				}
			}
		})
	}
	all.Wait()
	r.checks, r.ready, r.well = map[string]checkResource{}, true, true
	for i, found := range results {
		r.checks[p.checks[i].Name] = found
		if found.Status == "down" {
			r.well = false
			r.ready = r.ready && !found.Required
		}
	}
	r.at = time.Now()
}
