package api

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/cinnamon-qa/cinnamon/internal/health"
)

func (h *handlers) health(c *gin.Context) {
	found, err := h.services.Report(c.Request.Context())
	if err != nil {
		c.AbortWithStatus(http.StatusServiceUnavailable) // who asked has gone
		return
	}
	status, code := "ok", http.StatusOK
	switch {
	case !found.Ready:
		status, code = "down", http.StatusServiceUnavailable
	case !found.Well:
		status = "degraded"
	}
	c.JSON(code, gin.H{"status": status, "checks": found.Checks})
}

// ready tells a load balancer whether to send requests here; it names services, no details.
func (h *handlers) ready(c *gin.Context) {
	found, err := h.services.Report(c.Request.Context())
	if err != nil {
		c.AbortWithStatus(http.StatusServiceUnavailable) // who asked has gone
		return
	}
	c.JSON(health.Ready(found))
}
