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

const probeWithin = 2 * time.Second

type checkResource struct {
	Status   string `json:"status"` // up or down
	Required bool   `json:"required"`
	Detail   string `json:"detail,omitempty"`
	Latency  int64  `json:"latency"` // milliseconds
}

func (h *handlers) health(c *gin.Context) {
	checks, ready, well := h.probe(c.Request.Context())
	status, code := "ok", http.StatusOK
	switch {
	case !ready:
		status, code = "down", http.StatusServiceUnavailable
	case !well:
		status = "degraded"
	}
	c.JSON(code, gin.H{"status": status, "checks": checks})
}

// ready tells a load balancer whether to send requests here; it names services, no details.
func (h *handlers) ready(c *gin.Context) {
	checks, ready, _ := h.probe(c.Request.Context())
	names := gin.H{}
	for name, check := range checks {
		names[name] = check.Status
	}
	if !ready {
		c.JSON(http.StatusServiceUnavailable, gin.H{"status": "not ready", "checks": names})
		return
	}
	c.JSON(http.StatusOK, gin.H{"status": "ready", "checks": names})
}

func (h *handlers) probe(ctx context.Context) (checks map[string]checkResource, ready, well bool) {
	ctx, cancel := context.WithTimeout(ctx, probeWithin)
	defer cancel()
	results := make([]checkResource, len(h.Checks))
	var all sync.WaitGroup
	for i, check := range h.Checks {
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
	checks, ready, well = map[string]checkResource{}, true, true
	for i, r := range results {
		checks[h.Checks[i].Name] = r
		if r.Status == "down" {
			well = false
			ready = ready && !r.Required
		}
	}
	return checks, ready, well
}
